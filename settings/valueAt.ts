export type Values = Record<string, unknown>;

/** The value at `path`, or undefined. */
export function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
        (value, key) => (Object.hasOwn(Object(value), key) ? (value as Record<PropertyKey, unknown>)[key] : undefined),
        values,
    );
}
