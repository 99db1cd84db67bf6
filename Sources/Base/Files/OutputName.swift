public import SystemPackage

/// What the name of an output says of its format.
public enum OutputName {
  /// Whether it names one safetensors file: `.safetensors`, or `.sft`, which is in use for FLUX.1.
  public static func isFile(_ path: FilePath) -> Bool {
    path.extension == "safetensors" || path.extension == "sft"
  }

  /// How the names of PyTorch's pickles end.
  public static let pickleEndings = [".bin", ".pt", ".pth", ".ckpt"]

  /// How names end that are almost those of a checkpoint, and those of other files.
  private static let otherEndings: Set<String> = [
    "safetensor", "safetensors", "sft", "gguf", "png", "jpg", "jpeg", "webp", "gif", "bmp", "zip",
    "tar", "gz", "zst", "7z", "npz", "npy", "onnx", "json", "txt", "yaml", "html", "pkl",
  ]

  /// Why nothing is written under a name: those of PyTorch's pickles, and those that no folder is
  /// meant by; nil for any other.
  public static func refusal(of path: FilePath) -> String? {
    let name = path.lastComponent?.string ?? ""
    if let ending = path.extension, !isFile(path), ending != "gguf",
      otherEndings.contains(ending.lowercased())
    {
      return
        "'\(name)' would be a folder; for one file write \(path.stem ?? "NAME").safetensors, else "
        + "a name without such an ending"
    }
    guard pickleEndings.contains(where: { name.lowercased().hasSuffix($0) }) else {
      return nil
    }
    let stem = path.stem ?? "NAME"
    return "'\(name)' is what a PyTorch pickle is called, which is not written; write "
      + "\(stem).safetensors, or a folder without such an ending"
  }
}
