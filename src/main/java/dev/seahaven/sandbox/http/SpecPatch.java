package dev.seahaven.sandbox.http;

import dev.seahaven.problem.Names;
import dev.seahaven.problem.Problem;
import dev.seahaven.problem.Violations;
import dev.seahaven.sandbox.spec.LimitsRequest;
import dev.seahaven.sandbox.spec.LimitsResolver;
import dev.seahaven.sandbox.spec.SandboxLimits;
import dev.seahaven.sandbox.spec.SandboxSpec;
import dev.seahaven.sandbox.spec.SpecResolver;
import dev.seahaven.text.KernelText;
import dev.seahaven.web.StrictJson;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Merge patches (RFC 7386) of specifications. */
final class SpecPatch {

    private static final Set<String> CHANGEABLE = Set.of("name", "labels", "limits");

    private final JsonMapper json;
    private final LimitsResolver limits;

    SpecPatch(JsonMapper json, LimitsResolver limits) {
        this.json = json;
        this.limits = limits;
    }

    /**
     * @throws Problem 400 for what cannot be changed, or not so
     */
    SandboxSpec apply(SandboxSpec before, PatchSandboxRequest patch) {
        Violations wrong = new Violations();
        Map<String, JsonNode> members = patch.members();
        for (String name : members.keySet()) {
            wrong.require(
                    CHANGEABLE.contains(name),
                    name,
                    "cannot be changed; name, labels and limits can");
        }
        String name = before.name();
        if (members.containsKey("name")) {
            name = text("name", members.get("name"), wrong);
            if (name != null) {
                Names.check(name, wrong);
            }
        }
        Map<String, String> labels = before.labels();
        if (members.containsKey("labels")) {
            labels = labels(labels, members.get("labels"), wrong);
        }
        SandboxLimits changed = before.limits();
        if (members.containsKey("limits")) {
            changed = limits.resolve(limits(changed, members.get("limits")), wrong);
        }
        wrong.throwIfAny();
        return before.with(name, labels, changed);
    }

    private static @Nullable String text(
            String member, @Nullable JsonNode value, Violations wrong) {
        if (value == null || value.isNull()) {
            return null;
        }
        wrong.require(
                value.isString() && KernelText.isEncodable(value.asString()),
                member,
                "must be a string");
        return value.isString() ? value.asString() : null;
    }

    private static Map<String, String> labels(
            Map<String, String> before, @Nullable JsonNode patch, Violations wrong) {
        if (patch == null || patch.isNull()) {
            return Map.of();
        }
        Map<String, @Nullable String> after = new LinkedHashMap<>(before);
        if (wrong.require(patch.isObject(), "labels", "must be an object")) {
            for (Map.Entry<String, JsonNode> each : patch.properties()) {
                String value = text("labels." + each.getKey(), each.getValue(), wrong);
                if (value == null) {
                    after.remove(each.getKey());
                } else {
                    after.put(each.getKey(), value);
                }
            }
        }
        return SpecResolver.labels(after, wrong);
    }

    private @Nullable LimitsRequest limits(SandboxLimits before, @Nullable JsonNode patch) {
        if (patch == null || patch.isNull()) {
            return null;
        }
        if (!patch.isObject()) {
            throw Problem.invalid("limits", "must be an object");
        }
        ObjectNode merged = json.valueToTree(LimitsRequest.of(before));
        merge(merged, patch);
        return StrictJson.read(json, merged, LimitsRequest.class, "limits");
    }

    private static void merge(ObjectNode target, JsonNode patch) {
        for (Map.Entry<String, JsonNode> each : patch.properties()) {
            JsonNode value = each.getValue();
            if (value.isNull()) {
                target.remove(each.getKey());
            } else if (value.isObject() && target.get(each.getKey()) instanceof ObjectNode inner) {
                merge(inner, value);
            } else {
                target.set(each.getKey(), value);
            }
        }
    }
}
