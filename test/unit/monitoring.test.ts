import assert from "node:assert/strict";
import { Monitoring } from "../../components/monitoring";
import { deploy, types } from "../../lab/fixtures/deployed";
import { alertRules } from "../../monitoring/alerts";
import { dashboard, panels } from "../../monitoring/dashboard";

const onCallUrl = "https://git.example.com/on-call.md";
const args = { namespace: "sms", namespaceName: "sms", workers: ["sms-worker"], labels: { release: "prometheus" }, onCallUrl };
const monitoring = () => new Monitoring("monitoring", args);

describe("the Prometheus operator's objects", () => {
    it("have the pods' metrics on their separate port, with `app` as the job", async () => {
        const { deployed } = await deploy(monitoring);
        const { inputs, parent } = deployed.one(types.podMonitor);
        assert.equal(parent, "monitoring");
        assert.deepEqual(inputs, {
            apiVersion: "monitoring.coreos.com/v1",
            kind: "PodMonitor",
            metadata: { name: "sms", namespace: "sms", labels: { release: "prometheus" } },
            spec: {
                selector: {
                    matchLabels: { "app.kubernetes.io/part-of": "sms" },
                    matchExpressions: [{ key: "app", operator: "In", values: ["sms-web", "sms-worker"] }],
                },
                jobLabel: "app",
                podMetricsEndpoints: [{ port: "metrics" }],
            },
        });
    });

    it("have every alert, with the address of its instructions", async () => {
        const { deployed } = await deploy(monitoring);
        const { metadata, spec } = deployed.one(types.prometheusRule).inputs;
        assert.deepEqual(metadata, { name: "sms", namespace: "sms", labels: { release: "prometheus" } });
        assert.deepEqual(spec.groups, alertRules({ namespace: "sms", workers: ["sms-worker"], onCallUrl }));
        assert.equal(spec.groups[0].rules[0].annotations.runbook_url, `${onCallUrl}#smswebnotready`);
    });

    it("name the section without an address if none is given", async () => {
        const { deployed } = await deploy(() => new Monitoring("monitoring", { ...args, onCallUrl: undefined }));
        const [group] = deployed.one(types.prometheusRule).inputs.spec.groups;
        assert.equal(group.rules[0].annotations.runbook_url, "docs/on-call.md#smswebnotready");
    });
});

describe("the dashboard", () => {
    it("is found by Grafana's sidecar", async () => {
        const { deployed } = await deploy(monitoring);
        const { metadata, data } = deployed.one(types.configMap).inputs;
        assert.deepEqual(metadata, { name: "sms-dashboard", namespace: "sms", labels: { release: "prometheus", grafana_dashboard: "1" } });
        assert.deepEqual(JSON.parse(data["sms.json"]), JSON.parse(JSON.stringify(dashboard("sms"))));
    });

    it("shows each panel once, in its row, with its queries and their lines", () => {
        interface Built {
            title: string;
            type: string;
            gridPos: { w: number };
            targets?: { refId: string; expr: string; legendFormat: string }[];
        }
        const built = (dashboard("sms") as { panels: Built[] }).panels;
        const rows = Object.entries(panels("sms"));
        assert.deepEqual(
            built.map(({ type, title }) => `${type} ${title}`),
            rows.flatMap(([row, members]) => [`row ${row}`, ...members.map(({ title }) => `timeseries ${title}`)]),
        );
        assert.deepEqual(
            built.flatMap(({ targets = [] }) => targets.map(({ legendFormat, expr }) => [legendFormat, expr])),
            rows.flatMap(([, members]) => members.flatMap(({ queries }) => Object.entries(queries))),
        );
        for (const { title, targets = [] } of built) {
            assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
        }
    });
});
