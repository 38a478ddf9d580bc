import { tables } from "../../../operations/alicloud/table";
import type { Value } from "../../machine/provider/values";
import { contains, network, overlap } from "./addresses";
import { type Cloud, madeUpId } from "./cloud";
import type { Description } from "./description";
import { Refusal } from "./refusal";

const vpcType = "alicloud:vpc/network:Network";
const switchType = "alicloud:vpc/switch:Switch";

/** A VPC. Here it is only a record, because pods and stores share the machine's network. */
export const vpc: Description = {
    type: vpcType,
    ...tables[vpcType],
    outputs: { status: "text", routeTableId: "text", createTime: "text" },
    async order(_cloud, { cidrBlock = "172.16.0.0/12" }) {
        const block = network(String(cidrBlock));
        const isPrivate = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
            .map(network)
            .some((outer) => outer && block && contains(outer, block));
        if (block === undefined || !isPrivate || block.bits < 8 || block.bits > 28) {
            throw new Refusal("InvalidCidrBlock.Malformed", `The CIDR block ${cidrBlock} is no private one of /8 to /28.`);
        }
        return {
            id: madeUpId("vpc-bp1"),
            outputs: { cidrBlock, status: "Available", routeTableId: madeUpId("vtb-bp1"), createTime: now() },
        };
    },
    release: async (cloud, holding) => {
        if (cloud.all(switchType).some(({ inputs }) => inputs.vpcId === holding.id)) {
            throw new Refusal("DependencyViolation.VSwitch", `The VPC ${holding.id} has VSwitches.`);
        }
        cloud.forget(holding);
        return "gone";
    },
};

/** A part of a VPC in one zone. */
export const vSwitch: Description = {
    type: switchType,
    ...tables[switchType],
    outputs: { status: "text", createTime: "text" },
    async order(cloud, { vpcId, zoneId, cidrBlock }) {
        const vpcBlock = vpcBlockOf(cloud, vpcId);
        const block = network(String(cidrBlock));
        if (block === undefined || block.bits < 16 || block.bits > 29) {
            throw new Refusal("InvalidCidrBlock.Malformed", `The CIDR block ${cidrBlock} is none of /16 to /29.`);
        }
        if (vpcBlock !== undefined && !contains(vpcBlock, block)) {
            throw new Refusal("InvalidCidrBlock.NotInVpc", `The CIDR block ${cidrBlock} lies outside the VPC ${vpcId}.`);
        }
        if (!String(zoneId).startsWith(`${cloud.region}-`)) {
            throw new Refusal("InvalidZoneId.NotFound", `The zone ${zoneId} is not in the region ${cloud.region}.`);
        }
        const clash = cloud.all(switchType).find(({ inputs }) => {
            const other = network(String(inputs.cidrBlock));
            return inputs.vpcId === vpcId && other !== undefined && overlap(other, block);
        });
        if (clash !== undefined) {
            throw new Refusal("InvalidCidrBlock.Overlapped", `The CIDR block ${cidrBlock} overlaps with that of the VSwitch ${clash.id}.`);
        }
        return { id: madeUpId("vsw-bp1"), outputs: { status: "Available", createTime: now() } };
    },
    release: async (cloud, holding) => {
        const usesIt = ["alicloud:kvstore/instance:Instance", "alicloud:mongodb/instance:Instance"]
            .flatMap((type) => cloud.all(type))
            .find(({ inputs }) => inputs.vswitchId === holding.id);
        if (usesIt !== undefined) {
            throw new Refusal("DependencyViolation", `The VSwitch ${holding.id} is used by ${usesIt.id}.`);
        }
        cloud.forget(holding);
        return "gone";
    },
};

function vpcBlockOf(cloud: Cloud, vpcId: Value | undefined) {
    const made = cloud.get(vpcType, String(vpcId));
    const isGiven = cloud.given.vSwitches?.some((one) => one.vpcId === vpcId);
    if (made === undefined && !isGiven) {
        throw new Refusal("InvalidVpcId.NotFound", `The VPC ${vpcId} does not exist.`);
    }
    return made === undefined ? undefined : network(String(made.inputs.cidrBlock ?? made.outputs.cidrBlock));
}

const now = () => new Date().toISOString();
