internal import ArgumentParser
internal import OptionGroups
internal import SystemPackage

/// The options that are for baking.
struct BakingOptions: ParsableArguments {
  @OptionGroup var storage: StorageOptions

  @Option(help: "Refuse when less than this (cosine, 0 to 1) survives rounding.")
  var minSurvival: Double?

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

  mutating func validate() throws {
    if let minSurvival, !(0...1).contains(minSurvival) {
      throw ValidationError("--min-survival: expected 0 to 1, found \(minSurvival)")
    }
  }

  /// The first option that was given.
  var firstGiven: String? {
    let given =
      storage.given + [
        ("--min-survival", minSurvival != nil), ("--compress", storage.compress),
        ("--whole", whole), ("--link", link), ("--reversible", reversible), ("--undo", undo != nil),
        ("--base", storage.base != nil),
      ]
    return given.first(where: \.isGiven)?.name
  }
}
