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

/** The number of a Kubernetes quantity: `100m` is 0.1, `1Ki` is 1024. Undefined if the text is no quantity, or not above zero. */
export function amount(quantity: string): number | undefined {
    const [, number, exponent, suffix] = /^(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i))?$/.exec(quantity) ?? [];
    const result = Number(`${number}${exponent ?? ""}`) * (suffixes[suffix ?? ""] ?? Number.NaN);
    return result > 0 ? result : undefined;
}

/** The unit of a setting, and the bounds within which a number makes sense. */
export interface Unit {
    /** Its name in messages. */
    readonly name: string;
    readonly least: string;
    readonly most: string;
    /** The smallest amount that Kubernetes counts. */
    readonly step: number;
    /** The quantity that was probably meant by this number and this suffix, in lower case. */
    readonly meant: (number: string, suffix: string) => string;
}

/** If a number is below a thousandth, or above the cores of any node, its suffix is wrong: `1M` is a million CPUs. */
export const cpus: Unit = { name: "CPUs", least: "1m", most: "64", step: 1e-3, meant: (number) => `${number}m` };

/** The suffix `m` is a thousandth, and a number without a suffix counts bytes: `512m` is half a byte. */
export const bytes: Unit = {
    name: "whole bytes",
    least: "1Mi",
    most: "64Ti",
    step: 1,
    meant: (number, suffix) => `${number}${(suffix || "m").toUpperCase()}i`,
};

export function fits(quantity: string, { least, most, step }: Unit): boolean {
    const given = amount(quantity) ?? Number.NaN;
    const steps = given / step;
    return given >= Number(amount(least)) && given <= Number(amount(most)) && Math.abs(steps - Math.round(steps)) < 1e-6;
}

/** The quantity that was probably meant by a wrong one, if the program can tell. Otherwise undefined. */
export function meantQuantity(quantity: string, unit: Unit): string | undefined {
    const [, number, suffix] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b?)$/i.exec(quantity.trim()) ?? [];
    const meant = number === undefined ? "" : unit.meant(number, String(suffix).toLowerCase());
    return fits(meant, unit) ? meant : undefined;
}
