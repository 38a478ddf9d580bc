import { Service } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import { metricsPort, type Process } from "./app";
import { readyBefore } from "./cluster";
import { type CpuAutoscale, type ReplicatedArgs, replicatedPods } from "./replicatedPods";

export interface WebArgs extends ReplicatedArgs {
    autoscale?: CpuAutoscale;
    /** The port on every node of the cluster. */
    nodePort: number;
    /** The server's processes, and the threads of each. */
    workers: number;
    threads: number;
    preStopSeconds: number;
    gracefulTimeoutSeconds: number;
}

export const port = 8004;

/** The Flask service behind a NodePort. */
export class Web extends pulumi.ComponentResource {
    /** The port of the Service on every node. */
    readonly nodePort: pulumi.Output<number>;

    constructor(name: string, args: WebArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:web:Web", name, {}, opts);

        const process = server("sms-web", args);
        const deployment = replicatedPods(name, args, process, { parent: this });
        const service = new Service(
            `${name}-service`,
            {
                metadata: { name: process.name, namespace: args.app.namespace, annotations: readyBefore },
                spec: {
                    type: "NodePort",
                    // The labels are an output of the Deployment, so the Service waits for it.
                    selector: deployment.spec.selector.matchLabels,
                    ports: [{ protocol: "TCP", port, targetPort: port, nodePort: args.nodePort }],
                },
            },
            { parent: this },
        );

        this.nodePort = service.spec.ports[0]?.nodePort ?? pulumi.output(args.nodePort);
        this.registerOutputs({ nodePort: this.nodePort });
    }
}

function server(name: string, args: WebArgs): Process {
    const ready = { httpGet: { path: "/readyz", port }, timeoutSeconds: 5 };
    return {
        name,
        command: ["python", "-m", "sms.serve"],
        env: {
            WEB_PORT: `${port}`,
            WEB_WORKERS: `${args.workers}`,
            WEB_THREADS: `${args.threads}`,
            WEB_GRACEFUL_TIMEOUT_SECONDS: `${args.gracefulTimeoutSeconds}`,
        },
        ports: [
            { name: "http", containerPort: port },
            { name: "metrics", containerPort: metricsPort },
        ],
        metricsPort,
        probes: {
            // A pod that isn't ready after half of the rollout's time is stopped. So it fails with its last lines before the rollout fails.
            startupProbe: { ...ready, periodSeconds: 2, failureThreshold: Math.ceil(args.rolloutTimeoutSeconds / 4) },
            readinessProbe: { ...ready, periodSeconds: 5, failureThreshold: 2 },
            livenessProbe: { httpGet: { path: "/healthz", port }, timeoutSeconds: 5, periodSeconds: 10, failureThreshold: 3 },
        },
        // New requests still arrive until every node knows that this pod is leaving. The pod answers them first.
        lifecycle: { preStop: { exec: { command: ["sh", "-c", `touch /tmp/draining; sleep ${args.preStopSeconds}`] } } },
    };
}
