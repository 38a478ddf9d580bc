export type Values = Record<string, unknown>;

/** What stands at `path`, if anything does. */
export function valueAt(values: unknown, path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
        (value, key) => (Object.hasOwn(Object(value), key) ? (value as Record<PropertyKey, unknown>)[key] : undefined),
        values,
    );
}
