internal import Adapters
internal import Files
internal import SystemPackage

/// What is odd about adapters before they are merged.
extension MergedAdapter {
  /// What a person may not have meant, one sentence each: adapters without effect, absurd
  /// strengths, a phase that contradicts the file, a file that is given twice, schedules that differ.
  public static func cautions(on adapters: [MergedAdapter]) -> [String] {
    adapters.flatMap(\.cautions) + repetitions(adapters) + otherSchedules(adapters)
  }

  private var cautions: [String] {
    var cautions: [String] = []
    if adapter.changesNothing {
      cautions.append(
        "\(file): changes nothing: every module's alpha or one of its factors is zero; was it saved "
          + "before its first step?")
    } else if strength == 0 {
      cautions.append("\(file): changes nothing at strength 0")
    } else if let caution = blocks.caution(on: strength) {
      cautions.append("\(file): \(caution)")
    }
    if let phase, let declaredPhase, phase != declaredPhase {
      cautions.append(
        "\(file): declares phase '\(declaredPhase)', and serves '\(phase)' as the command line says"
      )
    } else if let phase, declaredPhase == nil, let named = namedPhase, named != phase {
      cautions.append(
        "\(file): its name says '\(named)', and it serves '\(phase)' as the command line says")
    }
    return cautions
  }

  /// The one phase that the file's name speaks of, `cat-fast.safetensors`.
  private var namedPhase: String? {
    let words = (file.stem ?? "").lowercased().split { !$0.isLetter && !$0.isNumber }
    let phases = ["slow", "fast"].filter { phase in words.contains { $0 == phase } }
    return phases.count == 1 ? phases[0] : nil
  }

  private static func repetitions(_ adapters: [MergedAdapter]) -> [String] {
    var sentences: [String] = []
    var seen: [(identity: FileIdentity, phase: String?)] = []
    for merged in adapters {
      guard let identity = FileIdentity(of: merged.file),
        !seen.contains(where: { $0.identity == identity && $0.phase == merged.phase })
      else { continue }
      seen.append((identity, merged.phase))
      let same = adapters.filter {
        $0.phase == merged.phase && FileIdentity(of: $0.file) == identity
      }
      guard same.count > 1 else { continue }
      let sum = same.reduce(0) { $0 + $1.strength }
      sentences.append("\(merged.file): given \(same.count) times: its strengths add up to \(sum)")
    }
    return sentences
  }
}
