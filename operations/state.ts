/** A stack's state, as the engine exports it. */

/** Runs `pulumi` with these arguments on a stack. `input` is its standard input. */
export type OnStack = (args: readonly string[], input?: string) => Promise<{ stdout: string }>;

export interface Resource {
    readonly urn: string;
    readonly type: string;
    readonly inputs?: Readonly<Record<string, unknown>>;
    readonly outputs?: Readonly<Record<string, unknown>>;
    readonly initErrors?: readonly string[];
}

interface State {
    readonly deployment?: {
        readonly resources?: readonly Resource[];
        readonly pending_operations?: readonly { readonly type: string; readonly resource: Resource }[];
    };
}

/** Secrets stay encrypted. */
export async function stateOf(pulumi: OnStack): Promise<State> {
    return JSON.parse((await pulumi(["stack", "export"])).stdout) as State;
}
