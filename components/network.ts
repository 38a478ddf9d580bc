import { Network as Vpc } from "@pulumi/alicloud/vpc/network";
import { Switch } from "@pulumi/alicloud/vpc/switch";
import * as pulumi from "@pulumi/pulumi";

/** A zone's part of the VPC. */
export interface VSwitch {
    id: pulumi.Input<string>;
    zone: string;
    cidr: string;
}

/** Where pods and managed stores meet, whoever made it: all that the stores know of it. */
export interface Network {
    readonly vpcId: pulumi.Input<string>;
    readonly vSwitches: readonly VSwitch[];
    /** The pods' addresses, where they aren't the vSwitches' own. */
    readonly podCidr?: string;
}

export interface NewNetworkArgs {
    /** As the console shows it. */
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

/** Who is in the network: nodes and pods. */
export function cidrsOf({ vSwitches, podCidr }: Network): string[] {
    return [...vSwitches.map(({ cidr }) => cidr), ...(podCidr === undefined ? [] : [podCidr])];
}

/** The vSwitch in a zone. Without one a store would be made outside the VPC. */
export function vSwitchIn({ vSwitches }: Network, zone: string): pulumi.Input<string> {
    const vSwitch = vSwitches.find((one) => one.zone === zone);
    if (vSwitch === undefined) {
        throw new Error(`no vSwitch in ${zone}`);
    }
    return vSwitch.id;
}
