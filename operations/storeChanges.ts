/**
 * Updates of stores that the provider and the engine's preview accept, but the cloud's API refuses in the middle of an `up`.
 * The resource option `protect` covers changes that replace a store.
 */

/** A store's inputs, or its properties in the cloud. */
type Values = Readonly<Record<string, unknown>>;

/** Lists the problems of a change of a store. Empty if the cloud accepts the change. */
type RefusedChanges = (was: Values, next: Values) => string[];

/** The problems of a change of a store of this type. `was` has the values in the state, `next` the program's inputs. */
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
        ? ["tls is false and was true; allowed: true: MongoDB's encryption can't be turned off again"]
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

/** A value that one side leaves out is no change. */
function changes(name: string, was: Values, next: Values): boolean {
    return was[name] !== undefined && next[name] !== undefined && was[name] !== next[name];
}

const refusing: Readonly<Record<string, RefusedChanges>> = {
    "alicloud:mongodb/instance:Instance": refusedMongoChanges,
    "alicloud:kvstore/instance:Instance": refusedRedisChanges,
};
