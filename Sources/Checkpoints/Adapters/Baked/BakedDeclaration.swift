public import Tensors

/// What a checkpoint with adapters baked in declares of its place in a schedule, as an adapter's file
/// does: formats/glance-metadata.md, "Merged checkpoints".
public struct BakedDeclaration: Sendable {
  /// The keys and texts of its header.
  public let pairs: Metadata

  /// What of an adapter's metadata is as true of the checkpoint; training and its files are not.
  private static let keys = [
    "family", "phase", "sigmas", "boundary", "teacher_steps", "indices", "image_size",
    "image_seq_len", "mu", "shift_terminal", "cfg", "guidance", "preset",
  ].map { GlanceFields.prefix + $0 }

  /// Whether a key of a header is part of a declaration.
  public static func isKey(_ key: String) -> Bool {
    keys.contains { $0.utf8.elementsEqual(key.utf8) }
  }

  /// What a checkpoint declares.
  ///
  /// - Parameters:
  ///   - adapters: what is baked in, each with the phase that it serves there.
  ///   - base: what the base declares, when it was baked itself.
  public init(adapters: [(phase: String?, metadata: GlanceMetadata)], base: GlanceMetadata) {
    let phases = Set(adapters.compactMap(\.phase))
    let scheduled = adapters.map(\.metadata).filter { $0.sigmas != nil }
    // What serves every phase leaves a baked base what it is.
    guard !scheduled.isEmpty || !phases.isSubset(of: [base.phase].compactMap(\.self)) else {
      pairs = base.pairs.filter { Self.isKey($0.key) }
      return
    }
    var declared = GlanceMetadata()
    declared.phase = phases.count == 1 ? phases.first : nil
    let texts = declared.pairs + Self.agreed(scheduled)
    pairs = Self.keys.reduce(into: []) { pairs, key in pairs[key] = texts[key] }
  }

  /// The texts on which all agree, but for the phase; a schedule on which they don't is none.
  private static func agreed(_ all: [GlanceMetadata]) -> Metadata {
    let lists = all.map(\.pairs)
    guard let first = lists.first, all.allSatisfy({ $0.sigmas == all[0].sigmas }) else { return [] }
    return first.agreeing(with: lists).filter { $0.key != GlanceFields.prefix + "phase" }
  }
}
