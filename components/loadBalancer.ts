import { Service } from "@pulumi/kubernetes/core/v1";
import * as pulumi from "@pulumi/pulumi";
import type { Network } from "./network";
import { port } from "./web";

export interface LoadBalancerArgs {
    namespace: pulumi.Input<string>;
    /** The name in Alibaba Cloud's console. */
    instanceName: string;
    /** The load balancer has an address in the first vSwitch of each zone. */
    network: Network;
    /** `internal`: only the VPC can reach it. `internet`: the internet can too. */
    scheme: "internal" | "internet";
    /**
     * A certificate's id in Alibaba Cloud's Certificate Management Service. With it the listener is HTTPS on 443, without it HTTP on 80.
     */
    certificateId?: string;
    /** The rules of these groups decide whose requests it accepts. Without any group it accepts all requests. */
    securityGroupIds: readonly string[];
    /** The seconds in which a leaving pod can finish its responses. */
    drainSeconds: number;
    tags: Record<string, string>;
    /** Stops Pulumi from deleting or replacing it. Its address, which customers use, would be lost. */
    protect: boolean;
}

const prefix = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-";

/** A network load balancer (NLB) in front of web. ACK's cloud controller creates it for a Service. */
export class LoadBalancer extends pulumi.ComponentResource {
    /** The product's URL. */
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
