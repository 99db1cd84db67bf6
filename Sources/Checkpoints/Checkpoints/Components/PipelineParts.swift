internal import Formats
internal import JSON
internal import Text

/// Which components a family's pipeline is made of, and where other programs have each: in a folder of
/// ComfyUI's models, and in an all-in-one file.
public struct PipelineParts: Sendable {
  /// `_class_name` of model_index.json.
  public let className: String
  /// The family's name.
  public let family: String
  /// The components, the transformer first.
  public let parts: [Part]

  /// One component.
  public struct Part: Sendable {
    /// Its name in a diffusers folder: `text_encoder_2`.
    public let name: String
    /// The family or component that it is: `t5-encoder`.
    public let model: String
    /// The layout of its names for ComfyUI.
    public let layout: String
    /// ComfyUI's folders for such files, the one to write to first.
    public let folders: [String]
    /// What the file is called there, without its ending; `{variant}` stands for the family's.
    let file: String
    /// What stands before its names in an all-in-one file.
    public let bundledPrefix: String
    /// Whether eight-bit codes of it are in use there.
    public let takesCodes: Bool

    /// The name of its file in ComfyUI's folder.
    public func fileName(variant: String?) -> String {
      let parts = file.parts(around: "{variant}")
      let name = parts.tail.map { parts.head + (variant.map { "-" + $0 } ?? "") + $0 }
      return (name ?? file) + ".safetensors"
    }
  }

  /// Those of every known pipeline.
  public static let all: [PipelineParts] =
    EmbeddedFormats.document("pipelines").list("pipelines").map { entry in
      PipelineParts(
        className: entry.text("class"), family: entry.text("family"),
        parts: entry.list("components").map {
          Part(
            name: $0.text("name"), model: $0.text("is"), layout: $0.text("layout"),
            folders: $0.texts("folders"), file: $0.text("file"),
            bundledPrefix: $0.text("bundled"), takesCodes: $0["codes"]?.bool ?? false)
        })
    }

  /// Those of a family.
  public static func of(family: String) -> PipelineParts? { all.first { $0.family == family } }

  /// Every folder of ComfyUI's models that a component may lie in, each once.
  public static var comfyFolders: [String] {
    all.flatMap(\.parts).flatMap(\.folders).reduce(into: []) {
      if !$0.contains($1) { $0.append($1) }
    }
  }
}

extension CheckpointDescription {
  /// The family or the component that this is; nil for anything else.
  public var modelName: String? {
    switch subject {
    case .transformer(let architecture): architecture.family.name
    case .component(let name, _, _): name
    case .lookAlike, .unknown: nil
    }
  }
}
