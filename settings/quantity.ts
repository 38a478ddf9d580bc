const suffixes: Record<string, number> = {
    n: 1e-9,
    u: 1e-6,
    m: 1e-3,
    "": 1,
    k: 1e3,
    M: 1e6,
    G: 1e9,
    T: 1e12,
    P: 1e15,
    E: 1e18,
    Ki: 2 ** 10,
    Mi: 2 ** 20,
    Gi: 2 ** 30,
    Ti: 2 ** 40,
    Pi: 2 ** 50,
    Ei: 2 ** 60,
};

/** What a Kubernetes quantity amounts to (`100m` is 0.1, `1Ki` is 1024), or undefined if it is none or isn't above zero. */
export function amount(quantity: string): number | undefined {
    const [, number, exponent, suffix] = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i))?$/.exec(quantity) ?? [];
    const result = Number(`${number}${exponent ?? ""}`) * (suffixes[suffix ?? ""] ?? Number.NaN);
    return result > 0 ? result : undefined;
}
