internal import ArgumentParser
public import CommandSupport
internal import Files
public import SystemPackage

extension OutputOptions {
  /// Refuses names that no adapter is written under.
  public func checkAdapter(_ output: FilePath) throws {
    guard OutputName.isFile(output) else {
      throw ValidationError("--output: an adapter is one .safetensors file, found '\(output)'")
    }
  }

  /// Refuses names that nothing is written under.
  public func check(_ output: FilePath) throws {
    if let refusal = OutputName.refusal(of: output) {
      throw ValidationError("--output: \(refusal)")
    }
  }
}
