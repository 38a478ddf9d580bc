import assert from "node:assert/strict";
import { TestStack } from "../../lab/fixtures/testStack";
import { post } from "../../lab/machine/client";
import { copyToNode, kubectl } from "../../lab/machine/kubernetes";
import { Prometheus } from "../../lab/machine/prometheus";
import { alertRules } from "../../monitoring/alerts";
import { panels } from "../../monitoring/dashboard";
import { built } from "../../toolchain/goModules";
import { until } from "../../toolchain/progress";

const namespace = "sms-metrics";
const rules = alertRules({ namespace, workers: ["sms-worker"], onCallUrl: "docs/on-call.md" });
const operator = { "sms:monitoring": { kind: "operator", labels: { release: "prometheus" } } };

/** Whether a panel can draw the value. */
const isNumber = ({ value: [, number] }: { value: [number, string] }) => Number.isFinite(Number(number));

/** The kubelet has no metrics of the machine's volumes, which are folders. So only the syntax of these queries is checked. */
const unmeasured = ["Free on volumes"];

describe("monitoring on the real cluster", () => {
    let stack: TestStack;
    let prometheus: Prometheus;
    let operatorResources: string[];
    let isOver = false;
    let sender: Promise<void>;

    const sendUntilOver = async () => {
        for (let count = 0; !isOver && count < 1500; count += 1) {
            await post(stack.address, { to: "+8613800138000", text: "hello" });
            await new Promise((done) => setTimeout(done, 200));
        }
    };
    const highest = async (metric: string, queue: string) => {
        const samples = await prometheus.query(`max(${metric}{namespace="${namespace}",queue="${queue}"})`);
        return Number(samples[0]?.value[1]);
    };

    before("up, with the operator's resources and a client that sends messages", async () => {
        stack = await TestStack.make(namespace, 31101);
        const folder = await built("prometheus-operator");
        operatorResources = [`--filename=${await copyToNode(folder)}`];
        await kubectl("delete", "--ignore-not-found", ...operatorResources);
        await stack.configure(operator);
        const refused = await stack.up();
        assert.match(refused.output, /sms:monitoring\.kind is operator, but the cluster has no Prometheus operator/);
        assert.deepEqual(await stack.objects("deployments"), []);
        await kubectl("create", ...operatorResources);
        // The API server does not serve a new kind at once. kubectl waits until it does.
        await kubectl("wait", "--for=condition=Established", "--timeout=60s", ...operatorResources);
        await kubectl("get", "podmonitors,prometheusrules", "--all-namespaces");
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
        prometheus = await Prometheus.start(namespace, rules);
        await stack.answers();
        sender = sendUntilOver();
    });

    after("remove", async () => {
        isOver = true;
        await sender;
        prometheus?.stop();
        await stack.clear();
        await kubectl("delete", "--ignore-not-found", ...operatorResources);
    });

    it("has objects that the operator's own definitions accept: monitors, rules and a dashboard", async () => {
        const [monitor] = await stack.objects<{ spec: { podMetricsEndpoints: object[] } }>("podmonitors.monitoring.coreos.com");
        assert.equal(monitor?.spec.podMetricsEndpoints.length, 1);
        const [rule] = await stack.objects<{ spec: { groups: object[] } }>("prometheusrules.monitoring.coreos.com");
        assert.equal(rule?.spec.groups.length, rules.length);
        const { exitCode, output } = await stack.up("--expect-no-changes");
        assert.equal(exitCode, 0, output);
    });

    const all = Object.values(panels(namespace)).flat();

    it("has only panels that Prometheus understands", async () => {
        for (const expr of all.flatMap(({ queries }) => Object.values(queries))) {
            await prometheus.query(expr.replaceAll("$__rate_interval", "20s"));
        }
    });

    for (const { title, queries } of all.filter(({ title }) => !unmeasured.includes(title))) {
        it(`has numbers for the panel “${title}”`, async () => {
            for (const [line, query] of Object.entries(queries)) {
                const expr = query.replaceAll("$__rate_interval", "20s");
                await until(
                    async () => (await prometheus.query(expr)).some(isNumber),
                    30,
                    () => `nothing for ${line}: ${expr}`,
                );
            }
        });
    }

    it("evaluates every alert, and none fires", async () => {
        const found = await prometheus.rules();
        assert.deepEqual(found.map(({ name }) => name).sort(), rules.flatMap((group) => group.rules.map(({ alert }) => alert)).sort());
        let active: string[] = [];
        await until(
            async () => {
                const now = await prometheus.rules();
                for (const { name, health, lastError, state } of now) {
                    assert.deepEqual([health, lastError], ["ok", undefined], name);
                    assert.notEqual(state, "firing", name);
                }
                active = now.filter(({ state }) => state !== "inactive").map(({ name }) => name);
                return active.length === 0;
            },
            // A rate needs two samples. A new Prometheus does not have them yet.
            60,
            () => `neither firing nor inactive: ${active}`,
        );
    });

    it("shows the length and age of a queue without workers, and names the missing part", async () => {
        await kubectl("--namespace", namespace, "scale", "deployment/sms-worker", "--replicas=0");
        await until(
            async () => (await highest("sms_queue_length", "sms")) > 20 && (await highest("sms_queue_oldest_seconds", "sms")) > 5,
            60,
            () => "the queue doesn't grow",
        );
        const pending = (await prometheus.rules()).filter(({ state }) => state !== "inactive").map(({ name }) => name);
        assert.ok(pending.includes("SmsWorkerAbsent"), `${pending}`);
        await kubectl("--namespace", namespace, "scale", "deployment/sms-worker", "--replicas=1");
        await until(
            async () => (await highest("sms_queue_length", "sms")) < 5,
            60,
            () => "the queue doesn't shrink again",
        );
    });
});
