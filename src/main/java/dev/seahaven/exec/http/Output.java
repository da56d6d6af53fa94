package dev.seahaven.exec.http;

import com.fasterxml.jackson.annotation.JsonProperty;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;

/** How output stands in an answer. */
enum Output {
    /** As UTF-8, anything else as U+FFFD. */
    @JsonProperty("text")
    TEXT {
        @Override
        String of(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    },

    /** The very bytes. */
    @JsonProperty("base64")
    BASE64 {
        @Override
        String of(byte[] bytes) {
            return Base64.getEncoder().encodeToString(bytes);
        }
    };

    abstract String of(byte[] bytes);

    /** What was asked for, or text. */
    static Output or(@Nullable Output asked) {
        return asked == null ? TEXT : asked;
    }

    /** The one of this name, or text. */
    static Output of(@Nullable String asked) {
        return asked == null ? TEXT : valueOf(asked.toUpperCase(Locale.ROOT));
    }
}
