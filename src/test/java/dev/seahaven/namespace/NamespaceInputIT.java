package dev.seahaven.namespace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.seahaven.testing.Api;
import dev.seahaven.testing.HostProcess;
import dev.seahaven.testing.NothingLeft;
import dev.seahaven.testing.Outside;
import dev.seahaven.testing.TestDaemon;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bad input is refused by the name of the member, and leaves nothing. */
@ExtendWith(NothingLeft.class)
class NamespaceInputIT {

    private final Api api = TestDaemon.shared().api();

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'type':'net'} | name",
                "{'name':'a/b','type':'net'} | name",
                "{'name':'.','type':'net'} | name",
                "{'name':'..','type':'net'} | name",
                "{'name':'123','type':'net'} | name",
                "{'name':'_a','type':'net'} | name",
                "{'name':'sv-bad'} | type",
                "{'name':'sv-bad','type':'nett'} | type",
                "{'name':'sv-bad','type':'net','hostname':'x'} | hostname",
                "{'name':'sv-bad','type':'uts','hostname':'a b'} | hostname",
                "{'name':'sv-bad','type':'uts','hostname':''} | hostname",
                "{'name':'sv-bad','type':'net','uidMappings':[{'inside':0,'outside':1,'length':1}]}"
                        + " | uidMappings",
                "{'name':'sv-bad','type':'user','uidMappings':[{'inside':0,'outside':1}]} |"
                        + " uidMappings[0]",
                "{'name':'sv-bad','type':'user','uidMappings':[{'inside':5,'outside':700000000,'length':1}]}"
                    + " | uidMappings",
                "{'name':'sv-bad','type':'user','gidMappings':[{'inside':0,'outside':700000000,'length':1}]}"
                    + " | gidMappings",
                "{'name':'sv-bad','type':'uts','monotonicOffsetSeconds':1} |"
                        + " monotonicOffsetSeconds",
                "{'name':'sv-bad','type':'time','monotonicOffsetSeconds':-9000000000} |"
                        + " monotonicOffsetSeconds",
                "{'name':'sv-bad','type':'uts','adopt':{}} | adopt",
                "{'name':'sv-bad','type':'uts','adopt':{'pid':1,'namespace':2}} | adopt",
                "{'name':'sv-bad','type':'uts','adopt':{'path':'relative'}} | adopt.path",
                "{'name':'sv-bad','type':'uts','adopt':{'path':'/etc/passwd'}} | adopt.path",
                "{'name':'sv-bad','type':'uts','colour':'red'} | colour",
            })
    void namesTheMember(String body, String field) {
        api.post("/namespaces", body.replace('\'', '"')).expectViolation(field);
        api.get("/namespaces/sv-bad").expect(404);
    }

    @Test
    void aNameOf256Characters() {
        api.post("/namespaces", "{\"name\":\"" + "a".repeat(256) + "\",\"type\":\"net\"}")
                .expectViolation("name");
        api.get("/namespaces/" + "a".repeat(256)).expectProblem(404, "not-found");
    }

    @Test
    void adoptingWhatIsNotThere() {
        String body = "{\"name\":\"sv-bad\",\"type\":\"uts\",\"adopt\":{";
        api.post("/namespaces", body + "\"pid\":99999999}}").expectProblem(404, "not-found");
        api.post("/namespaces", body + "\"pid\":-1}}").expectViolation("adopt.pid");
        api.post("/namespaces", body + "\"pid\":0}}").expectViolation("adopt.pid");
        api.post("/namespaces", body + "\"namespace\":5}}").expectProblem(404, "not-found");
        long mounts = HostProcess.number(Outside.namespace("self", "mnt"));
        api.post(
                        "/namespaces",
                        "{\"name\":\"sv-bad\",\"type\":\"mnt\",\"adopt\":{\"namespace\":"
                                + mounts
                                + "}}")
                .expectViolation("adopt");
        api.get("/namespaces/sv-bad").expect(404);
    }

    @Test
    void whatHasNoNameCannotLoseIt() {
        long own = HostProcess.number(Outside.namespace("self", "uts"));
        api.delete("/namespaces/" + own).expectProblem(409, "wrong-state");
        api.delete("/namespaces/5").expectProblem(404, "not-found");
        api.delete("/namespaces/nosuch").expectProblem(404, "not-found");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{} | command",
                "{'command':[]} | command",
                "{'command':['']} | command[0]",
                "{'command':[null]} | command[0]",
                "{'command':['true'],'user':'root'} | user",
                "{'command':['true'],'workingDirectory':'tmp'} | workingDirectory",
                "{'command':['true'],'timeoutSeconds':0} | timeoutSeconds",
                "{'command':['true'],'env':{'A=B':'c'}} | env.A=B",
                "{'command':['true'],'terminal':true} | terminal",
            })
    void exec(String body, String field) {
        long own = HostProcess.number(Outside.namespace("self", "uts"));
        api.post("/namespaces/" + own + "/exec", body.replace('\'', '"')).expectViolation(field);
    }

    @Test
    void execWhereNothingIs() {
        api.post(
                        "/namespaces/5/exec",
                        """
                        {"command": ["true"]}
                        """)
                .expectProblem(404, "not-found");
        long own = HostProcess.number(Outside.namespace("self", "uts"));
        var missing =
                api.post(
                                "/namespaces/" + own + "/exec",
                                """
                                {"command": ["/no/such"]}
                                """)
                        .expect(200)
                        .json();
        assertThat(missing.path("exitCode").asInt()).isEqualTo(127);
        api.post(
                        "/namespaces/" + own + "/exec",
                        """
                        {"command": ["true"], "workingDirectory": "/no/such"}
                        """)
                .expectViolation("workingDirectory");
    }

    @Test
    void aProcessThatIsNotThere() {
        api.get("/processes/99999999").expectProblem(404, "not-found");
        api.get("/processes/-5").expectProblem(404, "not-found");
        api.get("/processes/abc").expectViolation("pid");
        api.get("/processes?namespace=5").expectProblem(404, "not-found");
    }
}
