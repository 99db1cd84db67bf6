internal import ArgumentParser
internal import CommandSupport
internal import Elements
internal import SystemPackage

/// The options that are for baking.
struct BakingOptions: ParsableArguments {
  @Flag(help: "Give the blocks' weights eight-bit codes with a scale each, as ComfyUI reads them.")
  var scaled = false

  @Option(help: "Write GGUF: auto keeps the base's types; q8_0, q5_k_m, q4_k_m …")
  var gguf: String?

  @Option(
    help: "nearest, stochastic:SEED, or feedback (errors carried on) (default: nearest).",
    transform: Rounding.init(parsing:))
  var rounding: Rounding?

  @Option(help: "Refuse when less than this (cosine, 0 to 1) survives rounding.")
  var minSurvival: Double?

  @Option(
    help: "Write shards of at most this size, such as 5GB, and their index.",
    transform: ByteSize.init(parsing:))
  var shardSize: ByteSize?

  @Flag(help: "Compress without loss.")
  var compress = false

  @Flag(
    help: """
      With --phase both and a single file as base: write whole files instead of the second as a \
      difference to the first.
      """)
  var whole = false

  @Flag(help: "Link a pipeline's other components instead of copying them.")
  var link = false

  @Flag(help: "Also write OUTPUT.undo.safetensors, which takes the merge back bit for bit.")
  var reversible = false

  @Option(help: "Take back a merge: the file that --reversible wrote.", completion: .file())
  var undo: FilePath?

  @Option(
    help: "Where the base of a difference is, when it isn't where it was.", completion: .file())
  var base: FilePath?

  mutating func validate() throws {
    if let minSurvival, !(0...1).contains(minSurvival) {
      throw ValidationError("--min-survival: expected 0 to 1, found \(minSurvival)")
    }
  }

  /// The first option that was given.
  var firstGiven: String? {
    let given: [(name: String, isGiven: Bool)] = [
      ("--scaled", scaled), ("--gguf", gguf != nil), ("--rounding", rounding != nil),
      ("--min-survival", minSurvival != nil), ("--shard-size", shardSize != nil),
      ("--compress", compress), ("--whole", whole), ("--link", link),
      ("--reversible", reversible), ("--undo", undo != nil), ("--base", base != nil),
    ]
    return given.first(where: \.isGiven)?.name
  }
}
