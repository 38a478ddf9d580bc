import { Service } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Network } from "./network";
import { port } from "./web";

export interface LoadBalancerArgs {
    namespace: pulumi.Input<string>;
    /** As the console shows it. */
    instanceName: string;
    /** It has an address in the first vSwitch of each zone. */
    network: Network;
    /** Who can reach it: the VPC, or the internet too. */
    scheme: "internal" | "internet";
    /** Of a certificate in Alibaba Cloud's Certificate Management Service: with it HTTPS on 443, without it HTTP on 80. */
    certificateId?: string;
    /** Their rules say whose requests it takes; without any it takes everybody's. */
    securityGroupIds: readonly string[];
    /** How long a pod that leaves may finish its answers. */
    drainSeconds: number;
    tags: Record<string, string>;
    /** Keeps it, and with it the address that customers use, from being deleted or replaced by Pulumi. */
    protect: boolean;
}

const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

/** A network load balancer (NLB) in front of web, which ACK's cloud controller makes of a Service. */
export class LoadBalancer extends pulumi.ComponentResource {
    /** Where the product answers. */
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:loadBalancer:LoadBalancer", name, {}, opts);

        const listener = args.certificateId === undefined ? { scheme: "http", port: 80 } : { scheme: "https", port: 443 };
        const service = new Service(
            `${name}-service`,
            {
                metadata: { name: "sms-load-balancer", namespace: args.namespace, annotations: annotations(args, listener.port) },
                spec: {
                    type: "LoadBalancer",
                    loadBalancerClass: "alibabacloud.com/nlb",
                    selector: { app: "sms-web" },
                    ports: [{ name: listener.scheme, protocol: "TCP", port: listener.port, targetPort: port }],
                },
            },
            { parent: this, protect: args.protect },
        );

        const address = service.status.loadBalancer.ingress.apply((ingress) => ingress?.[0]?.hostname ?? ingress?.[0]?.ip ?? "");
        this.url = pulumi.interpolate`${listener.scheme}://${address}`;
        this.registerOutputs({ url: this.url });
    }
}

function annotations(args: LoadBalancerArgs, listenerPort: number): Record<string, pulumi.Input<string>> {
    const said: Record<string, pulumi.Input<string> | undefined> = {
        name: args.instanceName,
        "zone-maps": zoneMaps(args.network),
        "address-type": args.scheme === "internet" ? "internet" : "intranet",
        "protocol-port": `${args.certificateId === undefined ? "tcp" : "tcpssl"}:${listenerPort}`,
        "cert-id": args.certificateId,
        "security-group-ids": args.securityGroupIds.length === 0 ? undefined : args.securityGroupIds.join(","),
        "connection-drain": "on",
        "connection-drain-timeout": `${args.drainSeconds}`,
        "health-check-flag": "on",
        "health-check-type": "http",
        "health-check-uri": "/readyz",
        "additional-resource-tags": Object.entries(args.tags)
            .map(([key, value]) => `${key}=${value}`)
            .join(","),
    };
    const given = Object.entries(said).flatMap(([key, value]) => (value === undefined ? [] : [[`${prefix}${key}`, value]]));
    return Object.fromEntries(given);
}

/** `cn-hangzhou-h:vsw-1,cn-hangzhou-i:vsw-2`: one vSwitch of each zone. */
function zoneMaps({ vSwitches }: Network): pulumi.Output<string> {
    const zones = [...new Set(vSwitches.map(({ zone }) => zone))];
    const first = zones.flatMap((zone) => vSwitches.find((one) => one.zone === zone) ?? []);
    return pulumi.all(first.map(({ id }) => id)).apply((ids) => ids.map((id, i) => `${first[i]?.zone}:${id}`).join(","));
}
