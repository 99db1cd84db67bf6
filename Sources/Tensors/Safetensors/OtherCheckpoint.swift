internal import Failures
internal import Files
internal import Text

/// Files of a folder that hold weights in another format than safetensors.
public enum OtherCheckpoint: Sendable, Equatable {
  /// PyTorch's pickles.
  case pickles([String])
  /// GGUF files.
  case gguf([String])

  init?(among names: [String]) {
    let pickles = names.filter { name in
      OutputName.pickleEndings.contains { name.droppingSuffix($0) != nil }
    }
    let ggufs = names.filter { $0.droppingSuffix(".gguf") != nil }
    if !ggufs.isEmpty {
      self = .gguf(ggufs)
    } else if !pickles.isEmpty {
      self = .pickles(pickles)
    } else {
      return nil
    }
  }

  /// What they are and what to do.
  var advice: String {
    switch self {
    case .pickles(let names):
      "no safetensors file in this folder, but \(shortList(names)): \(ForeignFormat.pickle.advice)"
    case .gguf(let names):
      "no safetensors file in this folder, but \(shortList(names)); name the GGUF file itself"
    }
  }
}
