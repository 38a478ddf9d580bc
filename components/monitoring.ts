import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import { ConfigMap } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "../monitoring/alerts";
import { dashboard } from "../monitoring/dashboard";
import { partOf } from "./podTemplate";

export interface MonitoringArgs {
    namespace: pulumi.Input<string>;
    /** The namespace's name, which is part of each query. */
    namespaceName: string;
    /** The `app` labels of the workers' pods. */
    workers: string[];
    /** The labels by which the operator's Prometheus selects its objects. */
    labels: Record<string, string>;
    /** The URL of docs/on-call.md. */
    onCallUrl?: string;
}

/** The Prometheus operator's PodMonitor and alerts, and Grafana's dashboard. */
export class Monitoring extends pulumi.ComponentResource {
    constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:monitoring:Monitoring", name, {}, opts);

        const { namespace, labels } = args;
        new CustomResource(
            `${name}-pods`,
            { ...operators("PodMonitor"), metadata: { name: "sms", namespace, labels }, spec: pods(args) },
            { parent: this },
        );
        new CustomResource(
            `${name}-alerts`,
            { ...operators("PrometheusRule"), metadata: { name: "sms", namespace, labels }, spec: { groups: alerts(args) } },
            { parent: this },
        );
        new ConfigMap(
            `${name}-dashboard`,
            {
                metadata: { name: "sms-dashboard", namespace, labels: { ...labels, grafana_dashboard: "1" } },
                data: { "sms.json": JSON.stringify(dashboard(args.namespaceName), undefined, 2) },
            },
            { parent: this },
        );

        this.registerOutputs();
    }
}

function operators(kind: string) {
    return { apiVersion: "monitoring.coreos.com/v1", kind };
}

/** The `app` label becomes the alerts' `job`. */
function pods({ workers }: MonitoringArgs) {
    return {
        selector: { matchLabels: partOf, matchExpressions: [{ key: "app", operator: "In", values: ["sms-web", ...workers] }] },
        jobLabel: "app",
        podMetricsEndpoints: [{ port: "metrics" }],
    };
}

function alerts({ namespaceName, workers, onCallUrl = "docs/on-call.md" }: MonitoringArgs) {
    return alertRules({ namespace: namespaceName, workers, onCallUrl });
}
