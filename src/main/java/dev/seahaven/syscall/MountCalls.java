package dev.seahaven.syscall;

/** Calls of the new mount API that need no other namespace (open_tree(2), fsopen(2)). */
public interface MountCalls {

    int OPEN_TREE_CLONE = 1;

    /** open_tree(2). */
    Fd openTree(Fd dir, String path, int flags);
}
