/** How the cloud says no: with a code and a sentence. */
export class Refusal extends Error {
    constructor(
        readonly code: string,
        sentence: string,
    ) {
        super(sentence);
    }
}
