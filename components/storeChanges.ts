import * as pulumi from "@pulumi/pulumi";

/** A store's inputs, or what the cloud tells of it. */
type Values = Readonly<Record<string, unknown>>;

/** What is wrong with a change of a store. Nothing where it can be made. */
export type RefusedChanges = (was: Values, next: Values) => string[];

/**
 * Refuses updates that the provider and a preview would let through, and the cloud's API would not: at the preview, and before a
 * call is made. What makes another store of it is `protect`'s matter.
 */
export function refuseUpdates(name: string, refused: RefusedChanges): pulumi.ResourceHookBinding {
    const hook = new pulumi.ResourceHook(
        `${name}-updates`,
        ({ urn, oldOutputs = {}, newInputs = {} }) => {
            const problems = isHalfMade(oldOutputs) ? [notFinished(urn)] : refused(oldOutputs, newInputs);
            if (problems.length > 0) {
                throw new Error(problems.map((problem) => `${name}: ${problem}`).join("\n"));
            }
        },
        { onDryRun: true },
    );
    return { beforeUpdate: [hook] };
}

/** The provider leaves little more than the id where the setting up of a new store was refused. */
function isHalfMade({ instanceClass, dbInstanceClass }: Values): boolean {
    return instanceClass === undefined && dbInstanceClass === undefined;
}

function notFinished(urn: string): string {
    return `it was made but not finished, and the state doesn't know what is there. Read it again first: npm run deploy, or pulumi refresh --target '${urn}'`;
}

export const refusedMongoChanges: RefusedChanges = (was, next) => [
    ...versionFalls(was, next),
    ...(changes("storageType", was, next) && next.storageType !== "cloud_auto"
        ? [
              `storageType is ${next.storageType} and was ${was.storageType}; allowed: ${[...new Set([was.storageType, "cloud_auto"])].join(" or ")}`,
          ]
        : []),
    ...(Number(next.dbInstanceStorage) < Number(was.dbInstanceStorage)
        ? [`storageGb is ${next.dbInstanceStorage} and was ${was.dbInstanceStorage}; allowed: ${was.dbInstanceStorage} or more`]
        : []),
    ...(was.sslAction === "Open" && next.sslAction === undefined
        ? ["tls is false and was true; allowed: true: MongoDB's encryption isn't turned off again"]
        : []),
];

export const refusedRedisChanges: RefusedChanges = (was, next) => [
    ...versionFalls(was, next),
    ...(changes("zoneId", was, next) && next.sslEnable === "Enable"
        ? [`zone is ${next.zoneId} and was ${was.zoneId}; allowed: ${was.zoneId} while tls is true`]
        : []),
];

function versionFalls(was: Values, next: Values): string[] {
    return Number(next.engineVersion) < Number(was.engineVersion)
        ? [`engineVersion is ${next.engineVersion} and was ${was.engineVersion}; allowed: ${was.engineVersion} or newer`]
        : [];
}

/** What was said neither then nor now is no change. */
function changes(name: string, was: Values, next: Values): boolean {
    return was[name] !== undefined && next[name] !== undefined && was[name] !== next[name];
}
