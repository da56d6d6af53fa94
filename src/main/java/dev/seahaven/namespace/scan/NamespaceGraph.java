package dev.seahaven.namespace.scan;

import dev.seahaven.namespace.names.NamespaceRegistry;
import dev.seahaven.namespace.scan.HostNamespace.Leader;
import dev.seahaven.namespace.scan.HostNamespace.Manager;
import dev.seahaven.text.KernelText;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** The whole host as one graph. */
@Schema(name = "NamespaceGraph")
public record NamespaceGraph(Set<Node> nodes, Set<Edge> edges) {

    @Schema(name = "NamespaceGraphNode")
    public record Node(
            long id,
            String type,
            @Nullable String name,
            @Schema(description = "The numbers of the processes that are in it.")
                    List<Integer> members,
            @Nullable Leader leader,
            @Nullable String sandbox,
            @Nullable Manager manager) {}

    /**
     * @param kind {@code parent}: {@code from} is the parent of {@code to}; {@code owner}: the user
     *     namespace {@code from} owns {@code to}; {@code holder}: a mount in the mount namespace
     *     {@code from} holds {@code to}
     */
    @Schema(name = "NamespaceGraphEdge")
    public record Edge(long from, long to, String kind) {}

    /** What is different in a later graph. */
    @Schema(name = "NamespaceGraphChange")
    public record Change(
            List<Node> added,
            List<Node> removed,
            List<Node> changed,
            List<Edge> edgesAdded,
            List<Edge> edgesRemoved) {
        public boolean isEmpty() {
            return added.isEmpty()
                    && removed.isEmpty()
                    && changed.isEmpty()
                    && edgesAdded.isEmpty()
                    && edgesRemoved.isEmpty();
        }
    }

    public static NamespaceGraph of(
            HostNamespaces all, Function<HostNamespace, @Nullable Manager> managers) {
        Set<Node> nodes = new LinkedHashSet<>();
        Set<Edge> edges = new LinkedHashSet<>();
        for (HostNamespace each : all.all()) {
            NamespaceRegistry.Name name = each.name();
            nodes.add(
                    new Node(
                            each.id(),
                            each.type().kernelName(),
                            name == null ? null : name.name(),
                            each.holders().stream()
                                    .filter(Holder.Member.class::isInstance)
                                    .map(holder -> ((Holder.Member) holder).pid())
                                    .toList(),
                            each.leader(),
                            each.sandbox(),
                            managers.apply(each)));
            edge(edges, all, each.parent(), each.id(), "parent");
            edge(edges, all, each.owner(), each.id(), "owner");
            for (Holder holder : each.holders()) {
                if (holder instanceof Holder.Mount mount) {
                    edge(edges, all, mount.mountNamespace(), each.id(), "holder");
                }
            }
        }
        return new NamespaceGraph(nodes, edges);
    }

    private static void edge(
            Set<Edge> edges, HostNamespaces all, @Nullable Long from, long to, String kind) {
        if (from != null && all.get(from) != null) {
            edges.add(new Edge(from, to, kind));
        }
    }

    public Change to(NamespaceGraph later) {
        List<Node> added = new ArrayList<>();
        List<Node> changed = new ArrayList<>();
        Set<Long> before = new LinkedHashSet<>();
        nodes.forEach(node -> before.add(node.id()));
        Set<Long> after = new LinkedHashSet<>();
        for (Node node : later.nodes) {
            after.add(node.id());
            if (!before.contains(node.id())) {
                added.add(node);
            } else if (!nodes.contains(node)) {
                changed.add(node);
            }
        }
        return new Change(
                added,
                nodes.stream().filter(node -> !after.contains(node.id())).toList(),
                changed,
                later.edges.stream().filter(edge -> !edges.contains(edge)).toList(),
                edges.stream().filter(edge -> !later.edges.contains(edge)).toList());
    }

    /** In the language of Graphviz. */
    public String dot() {
        StringBuilder out = new StringBuilder("digraph namespaces {\n  node [shape=box];\n");
        for (Node node : nodes) {
            String text = node.type() + " " + node.id();
            if (node.name() != null) {
                text += "\n" + node.name();
            } else if (node.leader() != null) {
                text += "\n" + node.leader().command() + " (" + node.leader().pid() + ")";
            }
            out.append("  \"%d\" [label=%s];%n".formatted(node.id(), quoted(text)));
        }
        for (Edge edge : edges) {
            out.append(
                    "  \"%d\" -> \"%d\" [label=\"%s\"];%n"
                            .formatted(edge.from(), edge.to(), edge.kind()));
        }
        return out.append("}\n").toString();
    }

    private static String quoted(String text) {
        return "\""
                + KernelText.printable(text)
                        .replace("\\", "\\\\")
                        .replace("\"", "\\\"")
                        .replace("\n", "\\n")
                + "\"";
    }
}
