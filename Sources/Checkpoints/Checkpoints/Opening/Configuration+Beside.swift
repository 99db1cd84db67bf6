internal import Files
internal import JSON
package import SystemPackage
package import Tensors

extension Configuration {
  /// The config.json of a component's folder, or of the folder that an index or a file with a
  /// component's usual name lies in: what it says of the tensors holds however they are named. Nil
  /// when there is none.
  ///
  /// - Parameters:
  ///   - source: the tensors.
  ///   - path: what was opened.
  /// - Throws: ``CheckpointError`` when it can't be read.
  package init?(beside source: TensorSource, openedAt path: FilePath) throws {
    guard let file = source.files.first else { return nil }
    let isFolder = source.files.count > 1 || file != path
    let stem = file.stem ?? ""
    guard isFolder || Self.usualStems.contains(where: stem.hasPrefix) else { return nil }
    try self.init(in: file.removingLastComponent())
  }

  /// The config.json of a component's folder, and what quantization_config.json beside it says; nil when there is
  /// neither.
  package init?(in folder: FilePath) throws {
    func read(_ name: String) throws -> Configuration? {
      do { return try Configuration(reading: folder.appending(name)) } catch FileError.cannotOpen(
        _, .noSuchFileOrDirectory)
      {
        return nil
      }
    }
    let (own, other) = (try read("config.json"), try read(Self.quantizationFileName))
    guard let file = own?.file ?? other?.file else { return nil }
    self.init(file: file, json: own?.json ?? [:], quantizationBeside: other?.json)
  }

  /// How files of components are called.
  ///
  /// Source: huggingface/diffusers, `utils/constants.py`, `SAFETENSORS_WEIGHTS_NAME`;
  /// huggingface/transformers, `utils/__init__.py`, the constant of the same name.
  private static let usualStems = ["diffusion_pytorch_model", "model"]
}
