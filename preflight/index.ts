/** The checks before an `up` changes anything: whether the stack may use its place, and whether the cluster has room. */
import * as pulumi from "@pulumi/pulumi";
import { isVirtual } from "../capacity/cluster";
import { shortages } from "../capacity/placement";
import { wanted } from "../capacity/wanted";
import type { Access } from "../components/cluster";
import type { Owner, ThisStack } from "../components/owner";
import type { Settings } from "../settings";
import { Commands } from "../settings/problems";
import { halfMadeObstacles, resourcesOf } from "./halfMade";
import type { LastUp, Place } from "./lastUp";
import { movedCluster, movedSettings } from "./moved";
import { nodePortObstacles } from "./nodePorts";
import { namespaceObstacles, objectObstacles } from "./owner";
import { plannedObjects } from "./planned";
import { namedClasses, priorityClassObstacles } from "./priorityClasses";
import { listed, type Obstacle, PreflightError } from "./problems";
import { type Answer, type ClusterReading, readCluster } from "./readCluster";
import { shortageObstacles } from "./shortages";
import { passwordObstacles, volumeObstacles } from "./volumes";

export { lastUp } from "./lastUp";

/** Time limits for reading the cluster. A preview must also work without a cluster, but an `up` needs it. */
const patience = { previewMs: 2000, upMs: 10_000 };

/** Throws if the settings would move an existing stack to another place. */
export function requireSamePlace(settings: Settings, last: LastUp): void {
    refuse(movedSettings(pulumi.getStack(), settings, last));
}

/**
 * Throws one error with all obstacles of an `up`. Returns the stack's place, and whether its namespace already exists. A preview needs no
 * cluster: if the cluster can't be read, the preview logs a line. An `up` must know who owns the namespace, so it fails.
 */
export async function preflight(
    settings: Settings,
    access: Access,
    owner: ThisStack,
    last: LastUp,
): Promise<{ place: Place; hasNamespace: boolean }> {
    const reading = await read(settings, access);
    const id = reading && "value" in reading.id ? reading.id.value : undefined;
    const stack = pulumi.getStack();
    // If this is another cluster, the other checks are meaningless.
    refuse(movedCluster(stack, settings, id, last));
    const mongoPassword = settings.mongo.kind === "cluster" ? await given(settings.mongo.password) : undefined;
    const halfMade = halfMadeObstacles(stack, await resourcesOf(settings, owner));
    refuse([...halfMade, ...(reading ? obstacles(settings, mongoPassword, reading, owner, last) : [])]);
    const place = {
        cluster: id ?? last.place?.cluster,
        isExistingNamespace: settings.existingNamespace,
        region: settings.alibaba?.region,
        accountType: settings.alibaba?.accountType,
    };
    return { place, hasNamespace: reading !== undefined && "value" in reading.namespace && reading.namespace.value !== undefined };
}

function refuse(found: readonly Obstacle[]): void {
    if (found.length > 0) {
        throw new PreflightError(pulumi.getStack(), found);
    }
}

async function read(settings: Settings, access: Access): Promise<ClusterReading | undefined> {
    const isPreview = pulumi.runtime.isDryRun();
    // `npm run preview` compares with an empty state, so it must not find the stack's objects.
    if (isPreview && process.env.SMS_PREVIEW_WITHOUT_CLUSTER !== undefined) {
        return undefined;
    }
    const kinds = [...new Set(plannedObjects(settings).map(({ kind }) => kind))];
    try {
        const timeoutMs = isPreview ? patience.previewMs : patience.upMs;
        return await readCluster(access, { namespace: settings.namespace, kinds, timeoutMs });
    } catch (error) {
        unread("Whether the stack may use the cluster, and whether the cluster has room,", (error as Error).message);
        return undefined;
    }
}

/** Reports a check that was not possible. A preview logs it, and an `up` fails. */
function unread(what: string, reason: string): void {
    if (pulumi.runtime.isDryRun()) {
        void pulumi.log.info(`${what} was not checked: ${reason}`);
    } else {
        refuse([{ message: `${what} could not be checked: ${reason}`, fix: "make the cluster reachable, for a user who may read this" }]);
    }
}

/** The value of a setting, which is always known. */
function given<T>(setting: pulumi.Output<T>): Promise<T> {
    return new Promise<T>((known) => setting.apply((value) => known(value as T)));
}

function obstacles(settings: Settings, mongoPassword: string | undefined, reading: ClusterReading, owner: Owner, last: LastUp): Obstacle[] {
    const stack = pulumi.getStack();
    const { namespace, existingNamespace: isExisting } = settings;
    const claim = { stack, owner, namespace, isExisting, lastNamespace: last.namespace };
    const whose = checked(reading.namespace, "The owner of the namespace", unread, (found) => namespaceObstacles(found, claim));
    const inside = checked(reading.objects, "The owner of each object in the namespace", unread, (found) =>
        objectObstacles(found, plannedObjects(settings), claim),
    );
    const ports = checked(reading.services, "Whether sms:web.nodePort is free", noted, (found) =>
        nodePortObstacles(found, { ...claim, nodePort: settings.web.nodePort }),
    );
    // If somebody else owns the namespace, its objects and volumes don't matter.
    return [
        ...(whose.length > 0 ? whose : [...inside, ...volumes(settings, mongoPassword, reading)]),
        ...ports,
        ...operatorObstacles(settings, reading),
        ...classes(settings, reading),
        ...room(settings, reading),
    ];
}

function volumes(settings: Settings, mongoPassword: string | undefined, { claims, storageClasses }: ClusterReading): Obstacle[] {
    const classes = "value" in storageClasses ? storageClasses.value : undefined;
    const stack = pulumi.getStack();
    return checked(claims, "Whether volumes can have the requested size and class", noted, (found = []) => [
        ...volumeObstacles(stack, settings, { claims: found, classes }),
        ...(mongoPassword === undefined ? [] : passwordObstacles(stack, settings.namespace, mongoPassword, found)),
    ]);
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

function classes(settings: Settings, { priorityClasses }: ClusterReading): Obstacle[] {
    const named = namedClasses(settings);
    return named.size === 0
        ? []
        : checked(priorityClasses, "Whether the PriorityClasses exist", noted, (found) =>
              priorityClassObstacles(pulumi.getStack(), named, found),
          );
}

/** Obstacles for pods that would stay Pending. If the cluster adds nodes for pods or has virtual nodes, they are only a warning. */
function room(settings: Settings, { nodes, pods, priorityClasses, hasAutoscaler }: ClusterReading): Obstacle[] {
    const unanswered = [nodes, pods].find((answer) => "reason" in answer);
    if (unanswered !== undefined || "reason" in nodes || "reason" in pods) {
        noted("Whether the cluster has room", (unanswered as { reason: string }).reason);
        return [];
    }
    const classes = "value" in priorityClasses ? priorityClasses.value : undefined;
    const found = shortages({ nodes: nodes.value, pods: pods.value }, settings.namespace, wanted(settings, classes));
    const lacking = shortageObstacles(pulumi.getStack(), found);
    const grows = hasAutoscaler || settings.cluster.addsNodes || nodes.value.some(isVirtual);
    if (lacking.length > 0 && grows) {
        void pulumi.log.warn(`The cluster has to add nodes first:\n\n${listed(lacking)}`);
        return [];
    }
    return lacking;
}
