/** Decides whether customers use a stack, for the program, its policies and all readers of a stack file. */
import { type Checked, type RuleBetween, refusal } from "./rules";

export interface Environment {
    environment: string;
    production?: boolean;
    liveReload?: boolean;
    image?: { kind?: string };
}

/** The original environments, whose names decide it. */
const known: Readonly<Record<string, boolean>> = { online: true, test: false, local: false };

/** If a stack doesn't say, it counts as production, which has the most to lose. */
export function isProduction({ environment, production }: Partial<Environment>): boolean {
    return knownAs(environment) ?? production ?? true;
}

function knownAs(environment = ""): boolean | undefined {
    return Object.hasOwn(known, environment) ? known[environment] : undefined;
}

export const productionRules: RuleBetween<Environment>[] = [
    { rule: productionIsSaid, blocks: ["environment", "production"] },
    { rule: productionIsSaidOnce, blocks: ["environment", "production"] },
    { rule: codeIsFromTheImage, blocks: ["environment", "production", "liveReload", "image"] },
];

function productionIsSaid({ value: { environment, production }, issues }: Checked<Environment>) {
    if (knownAs(environment) === undefined && production === undefined) {
        const allowed = `true or false, as sms:environment is ${environment}: whether customers use it`;
        issues.push(refusal(["production"], undefined, allowed, true));
    }
}

function productionIsSaidOnce({ value: { environment, production }, issues }: Checked<Environment>) {
    const meant = knownAs(environment);
    if (meant !== undefined && production !== undefined && production !== meant) {
        issues.push(refusal(["production"], production, `left out or ${meant}, as sms:environment is ${environment}`));
    }
}

/** Customers get the code that the image's digest names. */
function codeIsFromTheImage({ value: { liveReload, image, ...environment }, issues }: Checked<Environment>) {
    if (liveReload && isProduction(environment)) {
        issues.push(refusal(["liveReload"], liveReload, "left out or false in production: its pods run the code of their image"));
    } else if (liveReload && image?.kind === "given") {
        issues.push(refusal(["liveReload"], liveReload, "left out or false with an image that somebody else has built"));
    }
}
