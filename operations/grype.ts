/** The known faults of an image, found by grype. */
import { execa } from "execa";
import { OperationError } from "./operation";

const severities = ["unknown", "negligible", "low", "medium", "high", "critical"];

/** The severities, from which a command chooses the lowest that counts. */
export const levels = ["low", "medium", "high", "critical"];

export interface Fault {
    readonly id: string;
    readonly severity: string;
    readonly package: string;
    readonly version: string;
    /** The first version without the fault. */
    readonly fixedIn: string;
}

interface Report {
    readonly matches: readonly {
        readonly vulnerability: {
            readonly id: string;
            readonly severity?: string;
            readonly fix?: { readonly versions?: readonly string[] };
        };
        readonly artifact: { readonly name: string; readonly version: string };
    }[];
}

export interface Scan {
    readonly platform: string;
    /** Environment variables with the registry's account. */
    readonly env: Readonly<Record<string, string>>;
    readonly timeout?: number;
}

/** Returns the faults that have a fixed version, the most severe first. grype reads the image in the registry, without a docker daemon. */
export async function faultsOf(reference: string, { platform, env, timeout }: Scan): Promise<Fault[]> {
    // Workflows download grype into a separate folder.
    const command = process.env.GRYPE ?? "grype";
    const args = [`registry:${reference}`, "--platform", platform, "--only-fixed", "--output", "json", "--quiet"];
    const { stdout, stderr, failed, code, timedOut } = await execa(command, args, { env, timeout, reject: false, stdin: "ignore" });
    if (code === "ENOENT") {
        throw new OperationError("There is no grype on the PATH: install it (https://github.com/anchore/grype), or name it in GRYPE.");
    }
    if (failed) {
        throw new OperationError(`grype can't read ${reference}: ${timedOut ? `no answer in ${(timeout ?? 0) / 1000} s` : stderr}`);
    }
    return faultsIn(stdout);
}

/** Counts each fault of a package once, also if the package is in several places of an image. */
export function faultsIn(report: string): Fault[] {
    const faults = (JSON.parse(report) as Report).matches.map(({ vulnerability, artifact }) => ({
        id: vulnerability.id,
        severity: vulnerability.severity?.toLowerCase() ?? "unknown",
        package: artifact.name,
        version: artifact.version,
        fixedIn: vulnerability.fix?.versions?.[0] ?? "",
    }));
    return [...new Map(faults.map((fault) => [line(fault), fault])).values()].sort(
        (a, b) => rank(b.severity) - rank(a.severity) || (line(a) < line(b) ? -1 : 1),
    );
}

export function atLeast(level: string, faults: readonly Fault[]): Fault[] {
    return faults.filter(({ severity }) => rank(severity) >= rank(level));
}

/** The faults of `older` that `newer` does not have. The version of the package does not matter. */
export function onlyIn(older: readonly Fault[], newer: readonly Fault[]): Fault[] {
    const key = (fault: Fault) => `${fault.id} ${fault.package}`;
    const known = new Set(newer.map(key));
    return older.filter((fault) => !known.has(key(fault)));
}

/** The first twenty faults, as a list. */
export function listed(faults: readonly Fault[]): string {
    const more = faults.length - 20;
    return [...faults.slice(0, 20).map((fault) => `  ${line(fault)}`), ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
}

function line({ id, severity, package: name, version, fixedIn }: Fault): string {
    return `${severity}: ${name} ${version}, ${id}, fixed in ${fixedIn}`;
}

function rank(severity: string): number {
    return severities.indexOf(severity);
}
