package dev.seahaven.store;

import tools.jackson.databind.JsonNode;

/** A newer daemon has written a document: it is left as it is. */
public final class NewerDocumentException extends RuntimeException {

    private final transient JsonNode document;

    public NewerDocumentException(String message, JsonNode document) {
        super(message);
        this.document = document;
    }

    /** What stands in it, of which only a part may be understood. */
    public JsonNode document() {
        return document;
    }
}
