import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { addresses, apply, inNode, kubectl, loadOntoNode, machineDocker } from "../../machine/kubernetes";
import { basePrefix } from "../../machine/places";
import { until } from "../../machine/progress";

const namespace = "sms-policies-test";
const nodePort = 31105;
const image = `${basePrefix}python:3.11`;

const pod = (app: string, container: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: app, namespace, labels: { app } },
    spec: { terminationGracePeriodSeconds: 0, containers: [{ name: app, image, imagePullPolicy: "Never", ...container }] },
});

const service = (app: string, spec: object) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: app, namespace },
    spec: { selector: { app }, ...spec },
});

const policy = (name: string, spec: object) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec,
});

const on = (app: string) => ({ podSelector: { matchLabels: { app } } });
const ports = [{ port: 8080 }];

/** One connection to each address: "open", or how it failed. */
const connections = `
import json, socket, sys
def connection(address):
    try:
        socket.create_connection(address.split(":"), 2).close()
        return "open"
    except Exception as error:
        return type(error).__name__
print(json.dumps({address: connection(address) for address in sys.argv[1:]}))
`;

/** Of the range that Services get their addresses from, and none has it. */
const noService = "10.96.191.250:6379";

describe("NetworkPolicies on the machine's cluster", () => {
    const inNamespace = (...args: string[]) => kubectl("--namespace", namespace, ...args);
    let api: string;
    let server: string;

    async function fromClient(...addresses: string[]): Promise<Record<string, string>> {
        return JSON.parse(await inNamespace("exec", "client", "--", "python3", "-c", connections, ...addresses));
    }

    async function nodePortStatus(): Promise<number | undefined> {
        return (await fetch(`http://127.0.0.1:${nodePort}`, { signal: AbortSignal.timeout(3000) }).catch(() => undefined))?.status;
    }

    /** Waits until a pod's connections are as they should be: a policy takes a moment. */
    async function becomes(expected: Record<string, string>): Promise<void> {
        let last = {};
        await until(
            async () => {
                last = await fromClient(...Object.keys(expected));
                return isDeepStrictEqual(last, expected);
            },
            10,
            () => `${JSON.stringify(last)} is not ${JSON.stringify(expected)}`,
        );
    }

    async function restarts(): Promise<string> {
        return inNamespace("get", "pod", "server", "-o", "jsonpath={.status.containerStatuses[0].restartCount}");
    }

    before("a server and a client", async () => {
        await inNamespace("delete", "namespace", namespace, "--ignore-not-found");
        api = `${(await addresses()).node}:6443`;
        const docker = await machineDocker();
        await docker.run("pull", "--quiet", image);
        await loadOntoNode(docker, [image]);
        await kubectl("create", "namespace", namespace);
        const probe = { httpGet: { port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
        await apply(
            pod("server", { command: ["python3", "-m", "http.server", "8080"], readinessProbe: probe, livenessProbe: probe }),
            pod("client", { command: ["sleep", "infinity"] }),
            service("server", { type: "NodePort", ports: [{ port: 8080, nodePort }] }),
            service("nobody", { ports: [{ port: 8080 }] }),
        );
        await inNamespace("wait", "--for=condition=Ready", "pods", "--all", "--timeout=60s");
        server = `${await inNamespace("get", "pod", "server", "-o", "jsonpath={.status.podIP}")}:8080`;
    });

    after(async () => {
        await kubectl("delete", "namespace", namespace);
    });

    it("leaves pods alone that no policy selects", async () => {
        await becomes({ [server]: "open", "server:8080": "open", [api]: "open", "nobody:8080": "ConnectionRefusedError" });
    });

    it("refuses a Service's address that kube-proxy doesn't know", async () => {
        await becomes({ [noService]: "ConnectionRefusedError" });
    });

    it("cuts a pod off both ways under a default deny, while the kubelet's probes go on", async () => {
        const noted = await restarts();
        await apply(policy("denied", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }));
        const name = "gaierror"; // no DNS either
        await becomes({ [server]: "ConnectionRefusedError", [api]: "ConnectionRefusedError", "server:8080": name });
        await new Promise((done) => setTimeout(done, 3000));
        assert.equal(await restarts(), noted);
        await inNamespace("wait", "--for=condition=Ready", "pod/server", "--timeout=1s");
    });

    it("opens what is allowed and nothing more", async () => {
        await apply(policy("client-to-server", { ...on("client"), policyTypes: ["Egress"], egress: [{ to: [on("server")], ports }] }));
        await becomes({ [server]: "ConnectionRefusedError" });
        await apply(
            policy("server-from-client", { ...on("server"), policyTypes: ["Ingress"], ingress: [{ from: [on("client")], ports }] }),
        );
        await becomes({ [server]: "open", [api]: "ConnectionRefusedError" });
    });

    it("serves a NodePort whose pods anybody may reach", async () => {
        await apply(policy("server-from-anywhere", { ...on("server"), policyTypes: ["Ingress"], ingress: [{ ports }] }));
        await becomes({ [server]: "open" });
        assert.equal(await nodePortStatus(), 200);
    });

    it("holds while what enforces them is away, and after its restart", async () => {
        await inNode("pkill", "-KILL", "-x", "network-policie|kindnetd");
        await becomes({ [server]: "open", [api]: "ConnectionRefusedError" });
        await kubectl("--namespace", "kube-system", "wait", "--for=condition=Ready", "pods", "--all", "--timeout=60s");
        await becomes({ [server]: "open", [api]: "ConnectionRefusedError" });
        await inNamespace("delete", "networkpolicies", "--all");
        await becomes({ [server]: "open", [api]: "open" });
    });
});
