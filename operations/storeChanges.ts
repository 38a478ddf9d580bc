/**
 * Updates of stores that the provider and the engine's preview let through, and the cloud's API refuses in the middle of an `up`.
 * What makes another store of it is `protect`'s matter.
 */

/** A store's inputs, or what the cloud tells of it. */
type Values = Readonly<Record<string, unknown>>;

/** What is wrong with a change of a store. Nothing where it can be made. */
type RefusedChanges = (was: Values, next: Values) => string[];

/** By the store's type. `was` is what the state has of it, `next` what the program says. */
export function refusedChanges(type: string, was: Values, next: Values): string[] {
    return refusing[type]?.(was, next) ?? [];
}

const refusedMongoChanges: RefusedChanges = (was, next) => [
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

const refusedRedisChanges: RefusedChanges = (was, next) => [
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

const refusing: Readonly<Record<string, RefusedChanges>> = {
    "alicloud:mongodb/instance:Instance": refusedMongoChanges,
    "alicloud:kvstore/instance:Instance": refusedRedisChanges,
};
