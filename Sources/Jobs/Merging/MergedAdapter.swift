public import Adapters
internal import Checkpoints
public import SystemPackage

/// An adapter as it is merged.
public struct MergedAdapter: Sendable {
  /// Its file.
  public let file: FilePath
  /// What is in it.
  public let adapter: Adapter
  /// The phase that it serves, if any.
  public let phase: String?
  /// Multiplies its scale.
  public let strength: Double
  /// Strengths of some modules, which multiply that one.
  public let blocks: BlockStrengths
  /// The phase that its file says it serves.
  public let declaredPhase: String?
  /// The alpha that was taken because its file says none; nil when it does, or none was given.
  public let assumedAlpha: Double?

  /// An adapter at a strength.
  public init(
    file: FilePath, adapter: Adapter, phase: String?, strength: Double,
    blocks: BlockStrengths = BlockStrengths(), declaredPhase: String? = nil,
    assumedAlpha: Double? = nil
  ) {
    self.file = file
    self.adapter = adapter
    self.phase = phase
    self.strength = strength
    self.blocks = blocks
    self.declaredPhase = declaredPhase
    self.assumedAlpha = assumedAlpha
  }

  /// The adapters of a file, one or those of a bundle.
  ///
  /// - Parameters:
  ///   - file: an adapter or a bundle.
  ///   - phase: the phase that it serves, instead of the one that it declares.
  ///   - strength: multiplies the scale.
  ///   - blocks: strengths of some modules, which multiply that one.
  ///   - assumedAlpha: the alpha to take where the file says nothing; nil means alpha = rank.
  ///   - includesTextEncoders: whether what it does to text encoders is merged too; see
  ///     ``BakeRequest/takesTextEncoders(base:output:)``.
  ///   - isPartial: whether unknown modules are passed over; they are named.
  ///   - otherMethods: how changes are taken that are no plain LoRA.
  ///   - family: what an adapter is for, whatever its file says.
  /// - Returns: each with its phase, and what a person should know before they are merged: what the
  ///   scale was taken from, what is not merged.
  /// - Throws: when the file is no usable adapter.
  public static func adapters(
    in file: FilePath, phase: String?, strength: Double,
    blocks: BlockStrengths = BlockStrengths(), assumedAlpha: Double? = nil,
    includesTextEncoders: Bool = false, isPartial: Bool,
    otherMethods: AdapterReadingOptions.OtherMethods = .asLoRA,
    family: String? = nil
  ) throws -> (adapters: [MergedAdapter], notes: [AdapterNote]) {
    let family = try ModelFamily.given(family)
    var options = AdapterReadingOptions()
    options.isPartial = isPartial
    options.otherMethods = otherMethods
    options.includesTextEncoders = includesTextEncoders
    let input: AdapterInput
    var experts: [Expert]
    input = try AdapterInput(opening: file, assumedAlpha: assumedAlpha, family: family)
    experts = try input.experts(options)
    if let phase, experts.count > 1 {
      let found = experts.compactMap(\.phase)
      experts.removeAll { $0.phase != phase }
      guard !experts.isEmpty else { throw MergeError.noExpert(phase: phase, found: found) }
    }
    let isAssumed = input.entries.contains { $0.scaleSource == .given }
    let adapters = experts.map {
      MergedAdapter(
        file: input.file, adapter: $0.adapter, phase: phase ?? $0.phase, strength: strength,
        blocks: blocks, declaredPhase: $0.phase, assumedAlpha: isAssumed ? assumedAlpha : nil)
    }
    return (
      adapters,
      input.notes(options) + notes(on: input.content)
    )
  }

  /// Multiplies the scale of a component's module.
  func strength(of path: String, in component: String = Adapter.transformer) -> Double {
    strength
      * blocks.strength(of: Adapter.name(of: path, in: component), in: adapter.family)
  }

  /// The adapter with its strengths by block in its scales; its strength is not.
  package var adapterByBlocks: Adapter {
    get throws {
      guard let scaled = adapter.scaled(by: blocks) else {
        throw BlockStrengthError.leavesNothing(source: "\(file)")
      }
      return scaled
    }
  }

  /// What matters to a merge alone.
  private static func notes(on content: AdapterInput.Content) -> [AdapterNote] {
    guard case .adapter(let read) = content else { return [] }
    let idle = read.entries.count { $0.scale == 0 }
    return idle > 0 ? [AdapterNote("\(idle) modules have alpha 0 and do nothing")] : []
  }
}
