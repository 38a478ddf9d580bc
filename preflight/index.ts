/** Before anything changes: whether the stack may go where its settings say, and whether there is room. */
import * as pulumi from "@pulumi/pulumi";
import { isVirtual } from "../capacity/cluster";
import { shortages } from "../capacity/placement";
import { shortageObstacles } from "../capacity/problems";
import { wanted } from "../capacity/wanted";
import type { Access } from "../components/cluster";
import type { Owner } from "../components/owner";
import type { Settings } from "../settings";
import { Commands } from "../settings/problems";
import type { LastUp, Place } from "./lastUp";
import { movedCluster, movedSettings } from "./moved";
import { nodePortObstacles } from "./nodePorts";
import { namespaceObstacles, objectObstacles } from "./owner";
import { plannedObjects } from "./planned";
import { listed, type Obstacle, PreflightError } from "./problems";
import { type Answer, type ClusterReading, readCluster } from "./readCluster";
import { volumeObstacles } from "./volumes";

export { lastUp } from "./lastUp";

/** A preview is for looking, also where no cluster can be reached; an `up` is about to need it. */
const patience = { previewMs: 2000, upMs: 10_000 };

/** Throws where the settings say "elsewhere" to a stack that lives. */
export function requireSamePlace(settings: Settings, last: LastUp): void {
    refuse(movedSettings(pulumi.getStack(), settings, last));
}

/**
 * Throws where something is in the way of an `up`, with all of it; gives where the stack will live. A preview needs no cluster: one
 * that can't be read is a line of information. An `up` has to know whose the namespace is.
 */
export async function preflight(settings: Settings, access: Access, owner: Owner, last: LastUp): Promise<Place> {
    const reading = await read(settings, access);
    const id = reading && "value" in reading.id ? reading.id.value : undefined;
    const stack = pulumi.getStack();
    // In another cluster nothing else can be told.
    refuse(movedCluster(stack, settings, id, last));
    refuse(reading ? obstacles(settings, reading, owner, last) : []);
    return {
        cluster: id ?? last.place?.cluster,
        isExistingNamespace: settings.existingNamespace,
        region: settings.alibaba?.region,
        accountType: settings.alibaba?.accountType,
    };
}

function refuse(found: readonly Obstacle[]): void {
    if (found.length > 0) {
        throw new PreflightError(pulumi.getStack(), found);
    }
}

async function read(settings: Settings, access: Access): Promise<ClusterReading | undefined> {
    const isPreview = pulumi.runtime.isDryRun();
    // `npm run preview` compares to nothing, and so must not find what the stack has.
    if (isPreview && process.env.SMS_PREVIEW_WITHOUT_CLUSTER !== undefined) {
        return undefined;
    }
    const kinds = [...new Set(plannedObjects(settings).map(({ kind }) => kind))];
    try {
        const timeoutMs = isPreview ? patience.previewMs : patience.upMs;
        return await readCluster(access, { namespace: settings.namespace, kinds, timeoutMs });
    } catch (error) {
        unread("Whether the stack may go into the cluster, and whether that has room,", (error as Error).message);
        return undefined;
    }
}

/** What an `up` has to know it fails without. */
function unread(what: string, reason: string): void {
    if (pulumi.runtime.isDryRun()) {
        void pulumi.log.info(`${what} was not checked: ${reason}`);
    } else {
        refuse([{ message: `${what} could not be checked: ${reason}`, fix: "make the cluster reachable, for a user who may read that" }]);
    }
}

function obstacles(settings: Settings, reading: ClusterReading, owner: Owner, last: LastUp): Obstacle[] {
    const stack = pulumi.getStack();
    const { namespace, existingNamespace: isExisting } = settings;
    const claim = { stack, owner, namespace, isExisting, lastNamespace: last.namespace };
    const whose = checked(reading.namespace, "Whose the namespace is", unread, (found) => namespaceObstacles(found, claim));
    const inside = checked(reading.objects, "Whose the objects in the namespace are", unread, (found) =>
        objectObstacles(found, plannedObjects(settings), claim),
    );
    const ports = checked(reading.services, "Whether sms:web.nodePort is free", noted, (found) =>
        nodePortObstacles(found, { ...claim, nodePort: settings.web.nodePort }),
    );
    // What is in a namespace that is somebody else's says nothing.
    return [
        ...(whose.length > 0 ? whose : inside),
        ...ports,
        ...volumes(settings, reading),
        ...operatorObstacles(settings, reading),
        ...room(settings, reading),
    ];
}

function volumes(settings: Settings, { claims, storageClasses }: ClusterReading): Obstacle[] {
    const classes = "value" in storageClasses ? storageClasses.value : undefined;
    return checked(claims, "Whether volumes can become what is asked for", noted, (found = []) =>
        volumeObstacles(pulumi.getStack(), settings, { claims: found, classes }),
    );
}

function checked<T>(
    answer: Answer<T>,
    what: string,
    otherwise: (what: string, reason: string) => void,
    obstaclesIn: (value: T) => Obstacle[],
): Obstacle[] {
    if ("reason" in answer) {
        otherwise(what, answer.reason);
        return [];
    }
    return obstaclesIn(answer.value);
}

function noted(what: string, reason: string): void {
    void pulumi.log.info(`${what} was not checked: ${reason}`);
}

function operatorObstacles({ monitoring }: Settings, { lacksOperator }: ClusterReading): Obstacle[] {
    const instead = new Commands(pulumi.getStack()).remove(["monitoring"]);
    return lacksOperator && monitoring.kind === "operator"
        ? [
              {
                  message: "sms:monitoring.kind is operator, but the cluster has no Prometheus operator (monitoring.coreos.com/v1)",
                  fix: `install its custom resources, or: ${instead}`,
              },
          ]
        : [];
}

/** Pods that would stay Pending; where nodes, or what stands for them, are added for pods, only a warning. */
function room(settings: Settings, { nodes, pods, hasAutoscaler }: ClusterReading): Obstacle[] {
    const unanswered = [nodes, pods].find((answer) => "reason" in answer);
    if (unanswered !== undefined || "reason" in nodes || "reason" in pods) {
        noted("Whether the cluster has room", (unanswered as { reason: string }).reason);
        return [];
    }
    const found = shortages({ nodes: nodes.value, pods: pods.value }, settings.namespace, wanted(settings));
    const lacking = shortageObstacles(pulumi.getStack(), found);
    const grows = hasAutoscaler || settings.cluster.addsNodes || nodes.value.some(isVirtual);
    if (lacking.length > 0 && grows) {
        void pulumi.log.warn(`The cluster has to add nodes first:\n\n${listed(lacking)}`);
        return [];
    }
    return lacking;
}
