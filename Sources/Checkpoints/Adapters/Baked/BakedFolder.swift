internal import Checkpoints
internal import Files
public import SystemPackage

/// What a merge for both phases wrote: a folder that holds a baked expert for each, under the phase's
/// name.
public struct BakedFolder: Sendable {
  /// The folder.
  public let path: FilePath
  /// The experts, in the order of sampling.
  public let experts: [BakedExpert]
  /// What stands in an expert's place and isn't one, and why.
  public let faults: [any Error]

  /// The phases, and names of their experts, in the order of sampling.
  public static let phases = ["slow", "fast"]

  /// Looks for baked experts in a folder; nil when it isn't one, or holds none.
  public init?(opening path: FilePath) {
    // A pipeline or a component may have anything beside its own files.
    guard !PipelineFolder.isPipeline(path), !path.appending("config.json").isThere else {
      return nil
    }
    var experts: [BakedExpert] = []
    var faults: [any Error] = []
    for phase in Self.phases {
      let places = ["", ".safetensors", ".gguf"].map { path.appending(phase + $0) }
      guard let place = places.first(where: \.isThere) else { continue }
      do {
        let expert = try BakedExpert(opening: place)
        guard expert.family != nil, expert.declared.phase != nil else {
          throw AdapterError.notBaked(file: place)
        }
        experts.append(expert)
      } catch { faults.append(error) }
    }
    guard !experts.isEmpty else { return nil }
    self.path = path
    self.experts = experts
    self.faults = faults
  }

  /// The phases that have no expert here.
  public var missingPhases: [String] {
    Self.phases.filter { phase in !experts.contains { $0.declared.phase == phase } }
  }
}
