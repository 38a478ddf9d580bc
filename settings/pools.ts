import { inheritedKeys } from "./schema";
import { type Values, valueAt } from "./valueAt";

/** The values, with the missing keys of each pool of workers from `sms:worker`. */
export function withInherited(values: Values): Values {
    const { worker, workerPools } = values;
    if (!isBlock(worker) || !isBlock(workerPools)) {
        return values;
    }
    const given = Object.fromEntries(Object.entries(worker).filter(([key]) => inheritedKeys.includes(key)));
    return { ...values, workerPools: Object.fromEntries(Object.entries(workerPools).map(([name, pool]) => [name, filled(pool, given)])) };
}

/** Whether the fault at `path` comes from `sms:worker`. Then it is reported only there. */
export function isPassedOn(path: readonly PropertyKey[], said: Values, wrong: readonly { path: readonly PropertyKey[] }[]): boolean {
    const [block, , ...rest] = path;
    const isAt = (other: readonly PropertyKey[]) => other.length === rest.length + 1 && rest.every((key, i) => other[i + 1] === key);
    return (
        block === "workerPools" &&
        rest.length > 0 &&
        valueAt(said, path) === undefined &&
        wrong.some((issue) => issue.path[0] === "worker" && isAt(issue.path))
    );
}

function filled(own: unknown, given: unknown): unknown {
    if (own === undefined) {
        return given;
    }
    if (!isBlock(own) || !isBlock(given)) {
        return own;
    }
    const keys = new Set([...Object.keys(own), ...Object.keys(given)]);
    return Object.fromEntries([...keys].map((key) => [key, filled(own[key], given[key])]));
}

function isBlock(value: unknown): value is Values {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
