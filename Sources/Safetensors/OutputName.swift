public import SystemPackage

/// What the name of an output says of its format.
public enum OutputName {
  /// Whether it names one safetensors file: `.safetensors`, or `.sft`, which is in use for FLUX.1.
  public static func isFile(_ path: FilePath) -> Bool {
    path.extension == "safetensors" || path.extension == "sft"
  }

  /// Why nothing is written under a name: those of PyTorch's pickles; nil for any other.
  public static func refusal(of path: FilePath) -> String? {
    let name = path.lastComponent?.string ?? ""
    guard ForeignFormat.pickleEndings.contains(where: { name.lowercased().hasSuffix($0) }) else {
      return nil
    }
    let stem = path.stem ?? "NAME"
    return "'\(name)' is what a PyTorch pickle is called, which is not written; write "
      + "\(stem).safetensors, or a folder without such an ending"
  }
}
