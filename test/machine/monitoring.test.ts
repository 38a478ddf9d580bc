import assert from "node:assert/strict";
import { copyToNode, kubectl } from "../../machine/kubernetes";
import { until } from "../../machine/progress";
import { Prometheus } from "../../machine/prometheus";
import { built } from "../../machine/toolchain";
import { alertRules } from "../../monitoring/alerts";
import { panels } from "../../monitoring/dashboard";
import { TestStack } from "./testStack";

const namespace = "sms-metrics";
const rules = alertRules({ namespace, workers: ["sms-worker"], onCallUrl: "docs/on-call.md" });
const operator = { "sms:monitoring": { kind: "operator", labels: { release: "prometheus" } } };

/** A number that a panel could draw. */
const isNumber = ({ value: [, number] }: { value: [number, string] }) => Number.isFinite(Number(number));

/** The machine's volumes are folders, of which the kubelet measures nothing: these queries are only seen to be right. */
const unmeasured = ["Free on volumes"];

describe("monitoring on the real cluster", () => {
    let stack: TestStack;
    let prometheus: Prometheus;
    let operatorResources: string[];
    let isOver = false;

    const send = async () => {
        const body = JSON.stringify({ to: "+8613800138000", text: "hello" });
        const headers = { "content-type": "application/json" };
        await fetch(`${stack.address}/messages`, { method: "POST", headers, body });
    };
    const highest = async (metric: string, queue: string) => {
        const samples = await prometheus.query(`max(${metric}{namespace="${namespace}",queue="${queue}"})`);
        return Number(samples[0]?.value[1]);
    };

    before("up, with the operator's resources, and somebody who sends messages", async () => {
        stack = await TestStack.make(namespace, 31101);
        const folder = await built("prometheus-operator");
        operatorResources = [`--filename=${await copyToNode(folder)}`];
        await kubectl("delete", "--ignore-not-found", ...operatorResources);
        await stack.configure(operator);
        const refused = await stack.up();
        assert.match(refused.output, /sms:monitoring\.kind is operator, but the cluster has no Prometheus operator/);
        assert.deepEqual(await stack.objects("deployments"), []);
        await kubectl("create", ...operatorResources);
        // A new kind isn't served at once; kubectl asks again as long as the API server says so.
        await kubectl("wait", "--for=condition=Established", "--timeout=60s", ...operatorResources);
        await kubectl("get", "podmonitors,prometheusrules", "--all-namespaces");
        const { exitCode, output } = await stack.up();
        assert.equal(exitCode, 0, output);
        prometheus = await Prometheus.start(namespace, rules);
        void (async () => {
            for (let count = 0; !isOver && count < 1500; count += 1) {
                await send();
                await new Promise((done) => setTimeout(done, 200));
            }
        })();
    });

    after("destroy", async () => {
        isOver = true;
        prometheus?.stop();
        await stack.run("destroy", "--yes", "--skip-preview", "--non-interactive");
        await stack.remove();
        await kubectl("delete", "--ignore-not-found", ...operatorResources);
    });

    it("is what the operator's own definitions take: monitors, rules and a dashboard", async () => {
        const [monitor] = await stack.objects<{ spec: { podMetricsEndpoints: object[] } }>("podmonitors.monitoring.coreos.com");
        assert.equal(monitor?.spec.podMetricsEndpoints.length, 2);
        const [rule] = await stack.objects<{ spec: { groups: object[] } }>("prometheusrules.monitoring.coreos.com");
        assert.equal(rule?.spec.groups.length, rules.length);
        const { exitCode, output } = await stack.up("--expect-no-changes");
        assert.equal(exitCode, 0, output);
    });

    const all = Object.values(panels(namespace)).flat();

    it("has no panel that Prometheus doesn't understand", async () => {
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
            // A rate needs two readings: those of a Prometheus that has just begun are pending until then.
            60,
            () => `neither firing nor inactive: ${active}`,
        );
    });

    it("shows a queue that nobody takes from, by its length and its age, and knows who is missing", async () => {
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
