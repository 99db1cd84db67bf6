internal import DiffusionTransformers
internal import Text

extension DrawingRequest {
  /// The most pictures of a run.
  private static let largestCount = 1_000_000

  /// How many pictures there are: prompts times pictures of each; for one picture that is to start
  /// from given noise, as many as there are noises.
  ///
  /// - Parameters:
  ///   - prompts: prompts, or given states of prompts.
  ///   - noises: noises that are given.
  /// - Returns: the number of pictures.
  /// - Throws: when given noises can be shared among the pictures in no one way.
  func pictureCount(prompts: Int, noises: Int?) throws -> Int {
    let (asked, overflow) =
      picks.map { ($0.count, false) }
      ?? prompts.multipliedReportingOverflow(by: picturesPerPrompt)
    guard !overflow, asked <= Self.largestCount, noises ?? 0 <= Self.largestCount else {
      throw DrawingError.invalid(
        source: "--count", expected: "at most \(Self.largestCount) pictures in all",
        found: "\(prompts) prompts with \(picturesPerPrompt) each")
    }
    guard let noises else {
      if picks == nil { try checkSeeds(from: seed) }
      return asked
    }
    if asked == 1 { return noises }
    guard [1, picturesPerPrompt, asked].contains(noises) else {
      throw DrawingError.invalid(
        source: latents.map { "\($0): tensor 'latents'" } ?? "--latents",
        expected: "one for all, or one each of the \(asked) pictures (\(prompts) prompts, "
          + "\(picturesPerPrompt) of each)",
        found: "\(noises); --count \(noises) draws each prompt from all of them")
    }
    return asked
  }

  /// Refuses seeds that would begin anew at 0.
  func checkSeeds(from first: UInt64) throws {
    let last = first.addingReportingOverflow(UInt64(max(picturesPerPrompt, 1) - 1))
    guard last.overflow else { return }
    throw DrawingError.invalid(
      source: "--seed",
      expected: "seeds up to \(UInt64.max) for \(picturesPerPrompt) pictures of a prompt",
      found: "\(first)")
  }

  /// The prompt of a picture, counted from 0.
  func prompt(ofPicture index: Int, among prompts: Int) -> Int {
    picks?[index].prompt ?? (prompts == 1 ? 0 : index / picturesPerPrompt)
  }

  /// Notes on options that do nothing with the others that are given.
  func idleOptions(
    cfg: Double, takesGuidance: Bool, startsFromPictures: Bool, renoises: Bool,
    changesEncoders: Bool
  ) -> [String] {
    var notes: [String] = []
    if prompts.contains(where: { $0.utf8Offset(of: "<lora:") != nil }) {
      notes.append(
        "'<lora:' in a prompt is text like any other: adapters are --adapter FILE:STRENGTH")
    }
    if negative != nil, embeddings != nil {
      notes.append("--negative does nothing: --embeddings brings the negative states")
    } else if negative != nil, cfg == 1 {
      notes.append("--negative does nothing at a guidance scale of 1; give --cfg, such as 4")
    }
    if guidance != nil, !takesGuidance {
      notes.append("this model takes no guidance value: --guidance does nothing; see --cfg")
    }
    if textTokens != nil, embeddings != nil {
      notes.append("--text-tokens does nothing: --embeddings brings the states")
    }
    if changesEncoders, embeddings != nil {
      notes.append(
        "what adapters do to text encoders is not used: --embeddings brings the states")
    }
    if seed != 0, latents != nil, !renoises {
      notes.append("--seed does nothing: --latents brings the noise")
    }
    if startsFromPictures, let latents {
      notes.append(
        "\(latents): finished latents, as --save-latents writes them; --latents takes noise to "
          + "start from, so that other pictures come out")
    }
    return notes
  }
}
