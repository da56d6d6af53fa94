import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.RunsApi;
import org.openapitools.client.api.SandboxesApi;
import org.openapitools.client.model.CreateSandbox;
import org.openapitools.client.model.Sandbox;

import java.util.List;
import java.util.Map;

/**
 * What a user does with the generated client: {@code Drive URL TOKEN}. Tells what it sees, for
 * ClientsIT.
 */
final class Drive {

    private Drive() {}

    public static void main(String[] arguments) throws ApiException {
        ApiClient client = new ApiClient();
        client.updateBaseUri(arguments[0]);
        client.setRequestInterceptor(
                request -> request.header("Authorization", "Bearer " + arguments[1]));
        SandboxesApi sandboxes = new SandboxesApi(client);

        Sandbox made =
                sandboxes.createSandbox(
                        new CreateSandbox()
                                .name("driven")
                                .labels(Map.of("by", "client"))
                                .command(List.of("sleep", "1000")),
                        null);
        System.out.println("created " + made.getName());
        Sandbox seen = sandboxes.getSandbox("driven", null);
        System.out.println(
                "inspected "
                        + seen.getId().equals(made.getId())
                        + " "
                        + seen.getState().getStatus());
        System.out.println("pid " + seen.getState().getPid());
        System.out.println(
                "ran "
                        + new RunsApi(client)
                                .run(new CreateSandbox().command(List.of("echo", "hello")), null)
                                .getStdout()
                                .trim());
        sandboxes.deleteSandbox("driven", true, null);
        try {
            sandboxes.getSandbox("driven", null);
        } catch (ApiException e) {
            System.out.println("deleted " + e.getCode());
        }
    }
}
