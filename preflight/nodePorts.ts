/** Ports of the nodes: each is one Service's in the whole cluster. */
import { marks, type Owner } from "../components/owner";
import { Commands } from "../settings/problems";
import { ownershipOf } from "./owner";
import type { Obstacle } from "./problems";
import type { ClusterService } from "./readCluster";

const lowest = 30000;
const highest = 32767;

export interface PortClaim {
    readonly stack: string;
    readonly owner: Owner;
    readonly namespace: string;
    readonly nodePort: number;
}

/** The Service that has the port already, unless it is the stack's own. */
export function nodePortObstacles(services: readonly ClusterService[], { stack, owner, namespace, nodePort }: PortClaim): Obstacle[] {
    const holder = services.find((service) => portsOf(service).includes(nodePort));
    // Whether what has this name in the namespace is the stack's own is asked for all objects alike.
    const isOwn = holder?.metadata.namespace === namespace && holder.metadata.name === "sms-web";
    if (holder === undefined || isOwn || ownershipOf(holder.metadata, owner) === "own") {
        return [];
    }
    const taken = new Set(services.flatMap(portsOf));
    const free = [...range(nodePort, highest), ...range(lowest, nodePort)].find((port) => !taken.has(port));
    const whose = holder.metadata.annotations?.[marks.name];
    return [
        {
            message: `sms:web.nodePort is ${nodePort}, which Service ${holder.metadata.name} in namespace ${holder.metadata.namespace} has${whose === undefined ? "" : `, of stack ${whose}`}`,
            fix: free === undefined ? "free a port" : new Commands(stack).set(["web", "nodePort"], free),
        },
    ];
}

function portsOf({ spec }: ClusterService): number[] {
    const ports = [...(spec?.ports ?? []).map(({ nodePort }) => nodePort), spec?.healthCheckNodePort];
    return ports.filter((port) => port !== undefined && port !== 0) as number[];
}

function range(first: number, last: number): number[] {
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
