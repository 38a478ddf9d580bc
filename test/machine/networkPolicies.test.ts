import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { anywhere, metadataAddress } from "../../components/networkPolicies";
import { ensureBaseImages } from "../../lab/machine/baseImages";
import { addresses, apply, inNode, kubectl, machineDocker } from "../../lab/machine/kubernetes";
import { baseImage, pullSecret } from "../../lab/machine/registry";
import { basePrefix } from "../../toolchain/places";
import { until } from "../../toolchain/progress";

const namespace = "sms-policies-test";
const nodePort = 31105;
const python = "python:3.11";
const image = baseImage(python);

const pod = (app: string, container: object, more: object = {}) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: app, namespace, labels: { app } },
    spec: {
        ...more,
        terminationGracePeriodSeconds: 0,
        imagePullSecrets: [{ name: "pull-secret" }],
        containers: [{ name: app, image, ...container }],
    },
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

/** Opens one connection to each address. Prints "open" or the error's name. */
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

/** The metadata service of an ECS instance. On this machine, the node answers at this address. */
const metadata = `${metadataAddress}:80`;

/** An address in the range of Services that no Service has. */
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

    /** Waits until a pod's connections are as expected, because a policy takes effect only after a moment. */
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
        await ensureBaseImages(await machineDocker(), [`${basePrefix}${python}`]);
        await kubectl("create", "namespace", namespace);
        await apply(pullSecret(namespace));
        const probe = { httpGet: { port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
        await apply(
            pod("server", { command: ["python3", "-m", "http.server", "8080"], readinessProbe: probe, livenessProbe: probe }),
            pod("client", { command: ["sleep", "infinity"] }),
            service("server", { type: "NodePort", ports: [{ port: 8080, nodePort }] }),
            service("nobody", { ports: [{ port: 8080 }] }),
        );
        await inNode("ip", "address", "replace", `${metadataAddress}/32`, "dev", "lo");
        await apply(pod("metadata", { command: ["python3", "-m", "http.server", "80", "--bind", metadataAddress] }, { hostNetwork: true }));
        await inNamespace("wait", "--for=condition=Ready", "pods", "--all", "--timeout=60s");
        server = `${await inNamespace("get", "pod", "server", "-o", "jsonpath={.status.podIP}")}:8080`;
    });

    after(async () => {
        await kubectl("delete", "namespace", namespace);
        await inNode("ip", "address", "delete", `${metadataAddress}/32`, "dev", "lo");
    });

    it("don't affect pods that no policy selects", async () => {
        await becomes({
            [server]: "open",
            "server:8080": "open",
            [api]: "open",
            [metadata]: "open",
            "nobody:8080": "ConnectionRefusedError",
        });
    });

    it("refuse a Service's address that kube-proxy doesn't have", async () => {
        await becomes({ [noService]: "ConnectionRefusedError" });
    });

    it("block a pod's connections in both directions under a default deny, while the kubelet's probes still work", async () => {
        const noted = await restarts();
        await apply(policy("denied", { podSelector: {}, policyTypes: ["Ingress", "Egress"] }));
        const name = "gaierror"; // The DNS is blocked, too.
        await becomes({ [server]: "ConnectionRefusedError", [api]: "ConnectionRefusedError", "server:8080": name });
        await new Promise((done) => setTimeout(done, 3000));
        assert.equal(await restarts(), noted);
        await inNamespace("wait", "--for=condition=Ready", "pod/server", "--timeout=1s");
    });

    it("allow only the allowed connections", async () => {
        await apply(policy("client-to-server", { ...on("client"), policyTypes: ["Egress"], egress: [{ to: [on("server")], ports }] }));
        await becomes({ [server]: "ConnectionRefusedError" });
        await apply(
            policy("server-from-client", { ...on("server"), policyTypes: ["Ingress"], ingress: [{ from: [on("client")], ports }] }),
        );
        await becomes({ [server]: "open", [api]: "ConnectionRefusedError" });
    });

    it("allow a NodePort whose pods are open to all", async () => {
        await apply(policy("server-from-anywhere", { ...on("server"), policyTypes: ["Ingress"], ingress: [{ ports }] }));
        await becomes({ [server]: "open" });
        assert.equal(await nodePortStatus(), 200);
    });

    it("block the cloud's metadata service for a pod that may reach all addresses", async () => {
        const to = (peers: object[]) => ({ ...on("client"), policyTypes: ["Egress"], egress: [{ to: peers, ports: [{ port: 80 }] }] });
        await apply(policy("client-anywhere", to([{ ipBlock: { cidr: "0.0.0.0/0" } }])));
        await becomes({ [metadata]: "open" });
        await apply(policy("client-anywhere", to(anywhere)));
        await becomes({ [metadata]: "ConnectionRefusedError", [server]: "open" });
        await inNamespace("delete", "networkpolicy", "client-anywhere");
    });

    it("still apply while the program that enforces them is stopped, and after its restart", async () => {
        await inNode("pkill", "-KILL", "-x", "network-policie|kindnetd");
        await becomes({ [server]: "open", [api]: "ConnectionRefusedError" });
        await kubectl("--namespace", "kube-system", "wait", "--for=condition=Ready", "pods", "--all", "--timeout=60s");
        await becomes({ [server]: "open", [api]: "ConnectionRefusedError" });
        await inNamespace("delete", "networkpolicies", "--all");
        await becomes({ [server]: "open", [api]: "open" });
    });
});
