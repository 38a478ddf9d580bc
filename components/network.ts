import { Network as Vpc } from "@pulumi/alicloud/vpc/network";
import { Switch } from "@pulumi/alicloud/vpc/switch";
import * as pulumi from "@pulumi/pulumi";

/** The VPC's subnet in one zone. */
export interface VSwitch {
    id: pulumi.Input<string>;
    zone: string;
    cidr: string;
}

/** The VPC that pods and managed stores share, new or existing, with everything that the stores need to know. */
export interface Network {
    readonly vpcId: pulumi.Input<string>;
    readonly vSwitches: readonly VSwitch[];
    /** The pods' addresses, if they aren't addresses of the vSwitches. */
    readonly podCidr?: string;
}

export interface NewNetworkArgs {
    /** The name in Alibaba Cloud's console. */
    vpcName: string;
    cidr: string;
    vSwitches: readonly Omit<VSwitch, "id">[];
    podCidr?: string;
    tags: Record<string, string>;
}

/** A VPC with a vSwitch for each zone. */
export class NewNetwork extends pulumi.ComponentResource implements Network {
    readonly vpcId: pulumi.Output<string>;
    readonly vSwitches: readonly VSwitch[];
    readonly podCidr?: string;

    constructor(name: string, { vpcName, cidr, vSwitches, podCidr, tags }: NewNetworkArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:network:New", name, {}, opts);

        const vpc = new Vpc(`${name}-vpc`, { vpcName, cidrBlock: cidr, tags }, { parent: this });

        this.vpcId = vpc.id;
        this.vSwitches = vSwitches.map(({ zone, cidr }) => ({
            id: new Switch(
                `${name}-${zone}`,
                { vswitchName: `${vpcName}-${zone}`, vpcId: vpc.id, zoneId: zone, cidrBlock: cidr, tags },
                { parent: this },
            ).id,
            zone,
            cidr,
        }));
        this.podCidr = podCidr;
        this.registerOutputs({ vpcId: this.vpcId });
    }
}

/** The addresses of the network's nodes and pods. */
export function cidrsOf({ vSwitches, podCidr }: Network): string[] {
    return [...vSwitches.map(({ cidr }) => cidr), ...(podCidr === undefined ? [] : [podCidr])];
}

/** The vSwitch in a zone. Throws if there is none, because the store would be created outside the VPC. */
export function vSwitchIn({ vSwitches }: Network, zone: string): pulumi.Input<string> {
    const vSwitch = vSwitches.find((one) => one.zone === zone);
    if (vSwitch === undefined) {
        throw new Error(`no vSwitch in ${zone}`);
    }
    return vSwitch.id;
}
