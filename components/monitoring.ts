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
    /** By which the operator's Prometheus selects what is meant for it. */
    labels: Record<string, string>;
    /** Where docs/on-call.md can be read. */
    onCallUrl?: string;
}

/** What the Prometheus operator reads of the product, what it calls people for, and what Grafana shows them. */
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

/** Web serves its metrics beside its requests, workers on a port of their own. The `app` label becomes the alerts' `job`. */
function pods({ workers }: MonitoringArgs) {
    return {
        selector: { matchLabels: partOf, matchExpressions: [{ key: "app", operator: "In", values: ["sms-web", ...workers] }] },
        jobLabel: "app",
        podMetricsEndpoints: [{ port: "http" }, { port: "metrics" }],
    };
}

function alerts({ namespaceName, workers, onCallUrl = "docs/on-call.md" }: MonitoringArgs) {
    return alertRules({ namespace: namespaceName, workers, onCallUrl });
}
