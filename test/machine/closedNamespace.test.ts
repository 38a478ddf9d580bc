import assert from "node:assert/strict";
import { TestStack } from "../../lab/fixtures/testStack";
import { apply, kubectl } from "../../lab/machine/kubernetes";

const namespace = "sms-closed";
const partOf = "app.kubernetes.io/part-of=sms";

/** Prints whether each address accepts a connection within 5 s. NetworkPolicies may block a new pod for a moment. */
const connect = `
import socket, sys, time
def state(address):
    host, port = address.split(":")
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            socket.create_connection((host, int(port)), timeout=2).close()
            return "open"
        except OSError:
            time.sleep(0.5)
    return "closed"
for address in sys.argv[1:]:
    print(state(address))
`;

interface Secret {
    metadata: { name: string };
    type: string;
    data: Record<string, string>;
}

describe("the closed namespace on the real cluster", () => {
    let stack: TestStack;
    let stores: string[];
    let image: string;

    /** Which of Redis and MongoDB a pod with these labels can reach. */
    async function reached(name: string, labels: string, inNamespace = namespace): Promise<string[]> {
        const container = {
            name,
            image,
            command: ["python", "-c", connect, ...stores],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        };
        const securityContext = { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: "RuntimeDefault" } };
        const spec = { securityContext, imagePullSecrets: [{ name: "pull-secret" }], containers: [container] };
        const pod = ["--namespace", inNamespace];
        await kubectl("delete", "pod", name, ...pod, "--ignore-not-found", "--now");
        const labelled = labels === "" ? [] : [`--labels=${labels}`];
        await kubectl("run", name, ...pod, `--image=${image}`, "--restart=Never", ...labelled, "--overrides", JSON.stringify({ spec }));
        try {
            await kubectl("wait", `pod/${name}`, ...pod, "--for=jsonpath={.status.phase}=Succeeded", "--timeout=60s");
            return (await kubectl("logs", name, ...pod)).trim().split("\n");
        } finally {
            await kubectl("delete", "pod", name, ...pod, "--now");
        }
    }

    before("up from nothing", async () => {
        stack = await TestStack.make(namespace, 31102);
        await stack.configure();
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
        const services = await stack.objects<{ metadata: { name: string }; spec: { clusterIP: string; ports: { port: number }[] } }>(
            "services",
        );
        const address = (store: string) => {
            const found = services.find(({ metadata }) => metadata.name === store);
            return `${found?.spec.clusterIP}:${found?.spec.ports[0]?.port}`;
        };
        stores = [address("redis"), address("mongo")];
        image = (
            await kubectl("get", "deployment/sms-web", "-n", namespace, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
        ).trim();
    });

    after("remove", () => stack.clear());

    it("lets the product work: a message goes from the node's port through both stores to a worker", async () => {
        await stack.waitUntilSent(await stack.send("hello"));
    });

    it("lets a process of the product reach Redis and MongoDB, and beat only Redis", async () => {
        assert.deepEqual(await reached("process", `app=sms-other,${partOf}`), ["open", "open"]);
        assert.deepEqual(await reached("beat", `app=sms-beat,${partOf}`), ["open", "closed"]);
    });

    it("lets no pod without the product's label reach a store, from any namespace", async () => {
        assert.deepEqual(await reached("stranger", "app=sms-web"), ["closed", "closed"]);
        // From Kubernetes 1.35 on, only pods with the same pull secret may use an image that was pulled with a secret.
        const [secret] = (await stack.objects<Secret>("secrets")).filter(({ metadata }) => metadata.name === "pull-secret");
        const { type, data } = secret as Secret;
        const copy = { apiVersion: "v1", kind: "Secret", metadata: { name: "pull-secret", namespace: "default" }, type, data };
        await apply(copy);
        try {
            assert.deepEqual(await reached("neighbour", `app=sms-web,${partOf}`, "default"), ["closed", "closed"]);
        } finally {
            await kubectl("delete", "secret", "pull-secret", "--namespace", "default");
        }
    });

    it("ends an `up` before any rollout if a connection is blocked, and names the store that can't be reached", async () => {
        stack.edit("components/networkPolicies.ts", (content) => content.replace(/("processes-to-redis".*), ports\(.*/, "$1, tcp(1)),"));
        // Another URL of the same store, so that the store is checked again.
        stack.edit("index.ts", (content) =>
            content.replace("redisUrl: redis.url,", "redisUrl: redis.url.apply((url) => url.concat('?db=0')),"),
        );
        const { exitCode, output } = await stack.up();
        assert.notEqual(exitCode, 0, output);
        assert.match(output, /Redis: FAILED: redis:6379 (doesn't answer|refuses the connection)/);
        assert.match(output, /MongoDB: ok/);
    });
});
