package dev.seahaven.text;

import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.StdSerializer;

/**
 * Lets {@link KernelText} travel in JSON, which has no bytes: a lone surrogate is written as its
 * escape, such as {@code \udcff}, for UTF-8 has none. Reading needs nothing.
 */
public final class KernelTextModule extends SimpleModule {

    private static final long serialVersionUID = 1;

    public KernelTextModule() {
        super("kernel-text");
        addSerializer(String.class, new Serializer());
    }

    private static final class Serializer extends StdSerializer<String> {

        private Serializer() {
            super(String.class);
        }

        @Override
        public void serialize(String text, JsonGenerator json, SerializationContext context) {
            if (KernelText.hasLoneSurrogate(text)) {
                json.writeRawValue(quoted(text));
            } else {
                json.writeString(text);
            }
        }

        private static String quoted(String text) {
            StringBuilder quoted = new StringBuilder("\"");
            text.chars()
                    .forEach(
                            c -> {
                                if (c < ' ' || c == '"' || c == '\\' || c > '~') {
                                    quoted.append(String.format("\\u%04x", c));
                                } else {
                                    quoted.append((char) c);
                                }
                            });
            return quoted.append('"').toString();
        }
    }
}
