package dev.seahaven.web;

import dev.seahaven.problem.Problem;
import dev.seahaven.problem.Violation;
import dev.seahaven.text.KernelText;
import dev.seahaven.text.KernelTextModule;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.stereotype.Component;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.KeyDeserializer;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.deser.DeserializationProblemHandler;
import tools.jackson.databind.deser.jdk.StringDeserializer;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.type.LogicalType;

import java.lang.reflect.Type;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/**
 * JSON without leniency: an unknown member, a wrong type, a member that stands twice, or anything
 * after the document is refused, and all unknown members and wrong types of a body are told at
 * once.
 */
@Component
public class StrictJson implements JsonMapperBuilderCustomizer {

    private static final ThreadLocal<List<Violation>> FOUND =
            ThreadLocal.withInitial(ArrayList::new);

    /** What was found in the body that this thread reads. */
    record Findings(List<Violation> violations) {
        List<Violation> and(Violation more) {
            List<Violation> all = new ArrayList<>(violations);
            all.add(more);
            return List.copyOf(all);
        }
    }

    static Findings takeFindings() {
        Findings findings = new Findings(List.copyOf(FOUND.get()));
        FOUND.remove();
        return findings;
    }

    /**
     * Reads a part of a request that was put together from others, as strictly as a body.
     *
     * @param at the name of the part, for what is wrong in it
     * @throws Problem 400 with all unknown members and wrong types
     */
    public static <T> T read(JsonMapper json, JsonNode part, Class<T> type, String at) {
        FOUND.remove();
        List<Violation> wrong;
        try {
            T value = json.treeToValue(part, type);
            wrong = takeFindings().violations();
            if (wrong.isEmpty()) {
                return value;
            }
        } catch (JacksonException e) {
            wrong = takeFindings().and(new Violation(field(e.getPath()), reason(e)));
        }
        throw Problem.invalid(
                wrong.stream()
                        .map(
                                each ->
                                        new Violation(
                                                each.field().isEmpty()
                                                        ? at
                                                        : at + "." + each.field(),
                                                each.message()))
                        .toList());
    }

    @Override
    public void customize(JsonMapper.Builder builder) {
        builder.addModule(new KernelTextModule())
                .addModule(
                        new SimpleModule("encodable")
                                .addDeserializer(String.class, new Text())
                                .addKeyDeserializer(String.class, new Key()))
                .addHandler(new Collector())
                .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
                .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .withCoercionConfig(
                        LogicalType.Textual,
                        text ->
                                text.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                                        .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                                        .setCoercion(
                                                CoercionInputShape.Boolean, CoercionAction.Fail));
    }

    /** {@code limits.memoryBytes} for a path of Jackson's. */
    static String field(List<JacksonException.Reference> path) {
        StringBuilder field = new StringBuilder();
        for (JacksonException.Reference part : path) {
            if (part.getPropertyName() == null) {
                field.append('[').append(part.getIndex()).append(']');
            } else {
                field.append(field.isEmpty() ? "" : ".").append(part.getPropertyName());
            }
        }
        return field.toString();
    }

    /**
     * Where the value begins that the parser has just met. A replayed value brings contexts of its
     * own, in which its name stands again.
     */
    private static String field(JsonParser parser, @Nullable String name) {
        TokenStreamContext context = parser.streamReadContext();
        if (parser.currentToken() != null && parser.currentToken().isStructStart()) {
            context = parentOf(context);
        }
        if (name == null) {
            return field(context);
        }
        while (!name.equals(context.currentName()) && !context.inRoot()) {
            context = parentOf(context);
        }
        while (name.equals(parentOf(context).currentName())) {
            context = parentOf(context);
        }
        return field(context);
    }

    private static TokenStreamContext parentOf(TokenStreamContext context) {
        TokenStreamContext parent = context.getParent();
        return parent == null ? context : parent;
    }

    private static String field(TokenStreamContext context) {
        if (context.inRoot()) {
            return "";
        }
        TokenStreamContext parent = context.getParent();
        String before = parent == null ? "" : field(parent);
        if (context.inArray()) {
            return before + "[" + context.getCurrentIndex() + "]";
        }
        return before + (before.isEmpty() ? "" : ".") + context.currentName();
    }

    /** What is wrong, without Java's names. */
    static String reason(JacksonException failure) {
        if (failure instanceof MismatchedInputException mismatch
                && mismatch.getTargetType() != null) {
            return "must be " + kind(mismatch.getTargetType());
        }
        String message =
                failure.getOriginalMessage()
                        .lines()
                        .findFirst()
                        .orElse("not JSON")
                        .replaceAll(",? \\(?from `[^`]*`", "")
                        .replaceAll(" *\\(?[^(]*\\[Source:.*", "")
                        .replaceAll(": enable `[^`]*` to allow", "");
        if (failure.getLocation() == null) {
            return message;
        }
        return "At line "
                + failure.getLocation().getLineNr()
                + ", column "
                + failure.getLocation().getColumnNr()
                + ": "
                + message;
    }

    private static String kind(Class<?> type) {
        if (type == String.class) {
            return "a string";
        }
        if (type == Boolean.class) {
            return "true or false";
        }
        if (type == Integer.class || type == Long.class || type == BigInteger.class) {
            return "a whole number within its range";
        }
        if (Number.class.isAssignableFrom(type)) {
            return "a number";
        }
        if (Iterable.class.isAssignableFrom(type)) {
            return "an array";
        }
        return "an object";
    }

    /** What is no Unicode, but for bytes of the kernel's, could be written nowhere. */
    private static final class Text extends StringDeserializer {

        @Override
        public @Nullable String deserialize(JsonParser parser, DeserializationContext context) {
            String text = super.deserialize(parser, context);
            if (text != null && !KernelText.isEncodable(text)) {
                Collector.found(field(parser, null), "holds half of a surrogate pair");
                return null;
            }
            return text;
        }
    }

    private static final class Key extends KeyDeserializer {

        @Override
        public String deserializeKey(String key, DeserializationContext context) {
            if (KernelText.hasLoneSurrogate(key)) {
                Collector.found("", "has a member whose name holds half of a surrogate pair");
            }
            return key;
        }
    }

    private static final class Collector extends DeserializationProblemHandler {

        @Override
        public boolean handleUnknownProperty(
                DeserializationContext context,
                JsonParser parser,
                ValueDeserializer<?> deserializer,
                Object beanOrClass,
                String name) {
            String field = field(parser, name);
            if (parser.currentToken() != JsonToken.VALUE_NULL) { // which is as if it were absent
                found(field, "is unknown");
            }
            parser.skipChildren();
            return true;
        }

        @Override
        public @Nullable Object handleUnexpectedToken(
                DeserializationContext context,
                JavaType target,
                JsonToken token,
                JsonParser parser,
                String message) {
            found(field(parser, null), "must be " + kind(target.getRawClass()));
            parser.skipChildren();
            return null;
        }

        private static void found(String field, String message) {
            List<Violation> found = FOUND.get();
            if (found.size() < 100) {
                found.add(new Violation(field, message));
            }
        }
    }

    /** Throws what the collector has found, as soon as a body is read whole. */
    @ControllerAdvice
    static class Thrower extends RequestBodyAdviceAdapter {

        @Override
        public boolean supports(
                MethodParameter parameter,
                Type type,
                Class<? extends HttpMessageConverter<?>> converter) {
            return true;
        }

        @Override
        public HttpInputMessage beforeBodyRead(
                HttpInputMessage message,
                MethodParameter parameter,
                Type type,
                Class<? extends HttpMessageConverter<?>> converter) {
            FOUND.remove();
            return message;
        }

        @Override
        public Object afterBodyRead(
                Object body,
                HttpInputMessage message,
                MethodParameter parameter,
                Type type,
                Class<? extends HttpMessageConverter<?>> converter) {
            List<Violation> violations = takeFindings().violations();
            if (!violations.isEmpty()) {
                throw Problem.invalid(violations);
            }
            return body;
        }
    }
}
