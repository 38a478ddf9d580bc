import assert from "node:assert/strict";
import { kubectl } from "../../machine/kubernetes";
import { until } from "../../machine/progress";
import { TestStack } from "./testStack";

const namespace = "sms-closed";
const partOf = "app.kubernetes.io/part-of=sms";

/** Prints of each address whether it takes a connection: within 5 s, as a new pod has its ways open only after a moment. */
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

describe("the closed namespace on the real cluster", () => {
    let stack: TestStack;
    let stores: string[];
    let image: string;

    /** What a pod with these labels reaches of Redis and MongoDB. */
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

    after("destroy", async () => {
        await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        await stack.remove();
    });

    it("lets the product work: a message gets from the port of the node through both stores to a worker", async () => {
        const headers = { "content-type": "application/json" };
        const body = JSON.stringify({ to: "+8613800138000", text: "hello" });
        const { id } = (await (await fetch(`${stack.address}/messages`, { method: "POST", headers, body })).json()) as { id: string };
        let last = "";
        await until(
            async () => {
                last = await (await fetch(`${stack.address}/messages/${id}`)).text();
                return last.includes('"sent"');
            },
            60,
            () => `not sent: ${last}`,
        );
    });

    it("lets a process of the product reach Redis and MongoDB, and beat Redis alone", async () => {
        assert.deepEqual(await reached("process", `app=sms-other,${partOf}`), ["open", "open"]);
        assert.deepEqual(await reached("beat", `app=sms-beat,${partOf}`), ["open", "closed"]);
    });

    it("lets no pod without the product's label reach a store, whatever namespace it is in", async () => {
        assert.deepEqual(await reached("stranger", "app=sms-web"), ["closed", "closed"]);
        assert.deepEqual(await reached("neighbour", `app=sms-web,${partOf}`, "default"), ["closed", "closed"]);
    });

    it("ends an `up` before anything is rolled out where a way is missing, with the store that can't be reached", async () => {
        stack.edit("components/networkPolicies.ts", (content) => content.replace(/("processes-to-redis".*), ports\(.*/, "$1, tcp(1)),"));
        // Another URL of the same store: what was checked with this one is checked again.
        stack.edit("index.ts", (content) =>
            content.replace("redisUrl: redis.url,", "redisUrl: redis.url.apply((url) => url.concat('?db=0')),"),
        );
        const { exitCode, output } = await stack.up();
        assert.notEqual(exitCode, 0, output);
        assert.match(output, /Redis: FAILED: redis:6379 (doesn't answer|refuses the connection)/);
        assert.match(output, /MongoDB: ok/);
    });
});
