/** Obstacles for node ports. Only one Service in the whole cluster can have a given node port. */
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

/** An obstacle if another owner's Service already has the port. */
export function nodePortObstacles(services: readonly ClusterService[], { stack, owner, namespace, nodePort }: PortClaim): Obstacle[] {
    const holder = services.find((service) => portsOf(service).includes(nodePort));
    // The check of all objects decides whether a Service of this name is the stack's own.
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
