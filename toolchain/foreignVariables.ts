/**
 * Returns each of the engine's variables as undefined, to remove it from an environment. A backend, passphrase, stack or token that a
 * user has exported is for the user's own stacks.
 */
export function foreignEngineVariables(): Record<string, undefined> {
    return withoutThose((name) => name.startsWith("PULUMI_"));
}

/** Returns each variable with cloud keys as undefined, to remove it from an environment. These keys are for a real cloud. */
export function foreignCloudVariables(): Record<string, undefined> {
    return withoutThose((name) => /^(ALICLOUD|ALIBABA_CLOUD)_/.test(name));
}

function withoutThose(isForeign: (name: string) => boolean): Record<string, undefined> {
    return Object.fromEntries(
        Object.keys(process.env)
            .filter(isForeign)
            .map((name) => [name, undefined]),
    );
}
